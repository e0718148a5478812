// SPDX-License-Identifier: Apache-2.0
package import Mail

extension PeerReply {
    /// The enhanced code that the text begins with (RFC 2034 §4), if it fits the reply's first digit.
    package var enhancedStatus: EnhancedStatus? {
        guard let word = lines.first?.split(separator: " ").first,
            let status = EnhancedStatus(word), Int(status.category.rawValue) == code / 100
        else { return nil }
        return status
    }

    /// What a refusal means for the recipients that it is about.
    package func outcome(at stage: Outcome.Stage) -> Outcome {
        // RFC 5321 §4.5.3.1.10: 552 to RCPT is an old spelling of "too many recipients".
        if code == 552, stage == .recipient {
            return Outcome(
                .temporary, EnhancedStatus(.temporary, 5, 3), at: stage, text, isRemote: true)
        }
        switch severity {
        case .positive:
            return Outcome(
                .accepted, enhancedStatus ?? EnhancedStatus(.success, 0, 0), at: stage, text,
                isRemote: true)
        case .temporary:
            return Outcome(
                .temporary, enhancedStatus ?? Self.status(code, at: stage), at: stage, text,
                isRemote: true)
        case .permanent:
            return Outcome(
                .permanent, enhancedStatus ?? Self.status(code, at: stage), at: stage, text,
                isRemote: true)
        case .intermediate:
            return Outcome(
                .temporary, EnhancedStatus(.temporary, 5, 0), at: stage,
                "unexpected reply: \(text)",
                isRemote: true)
        }
    }

    /// The nearest enhanced code for a server that sends none.
    private static func status(_ code: Int, at stage: Outcome.Stage) -> EnhancedStatus {
        let severity = code / 100
        switch code {
        case 421: return EnhancedStatus(.temporary, 3, 2)
        case 450: return EnhancedStatus(.temporary, 2, 0)
        case 452 where stage == .recipient: return EnhancedStatus(.temporary, 5, 3)
        case 452: return EnhancedStatus(.temporary, 3, 1)
        case 454 where stage == .tls, 454 where stage == .login:
            return EnhancedStatus(.temporary, 7, 0)
        case 500: return EnhancedStatus(.permanent, 5, 2)
        case 501, 504, 555: return EnhancedStatus(.permanent, 5, 4)
        case 502, 503: return EnhancedStatus(.permanent, 5, 1)
        case 521: return EnhancedStatus(.permanent, 3, 2)
        case 530: return EnhancedStatus(.permanent, 7, 0)
        case 534, 535: return EnhancedStatus(.permanent, 7, 8)
        case 550 where stage == .recipient: return EnhancedStatus(.permanent, 1, 1)
        case 551 where stage == .recipient: return EnhancedStatus(.permanent, 1, 6)
        case 552: return EnhancedStatus(.permanent, 3, 4)
        case 553 where stage == .recipient: return EnhancedStatus(.permanent, 1, 3)
        case 553 where stage == .mail: return EnhancedStatus(.permanent, 1, 7)
        case 556: return EnhancedStatus(.permanent, 1, 10)
        default: return EnhancedStatus(severity == 4 ? .temporary : .permanent, 0, 0)
        }
    }
}
