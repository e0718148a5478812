// SPDX-License-Identifier: Apache-2.0
import Mail

/// What the session says about itself and in which language.
extension Session {
    /// The lines of CAPA (RFC 2449 §6); they change with TLS only, as IANA's registry says of each.
    var capabilities: [String] {
        var lines = ["TOP", "UIDL"]
        if isLoginAllowed {
            let mechanisms = SASLExchange.Mechanism.allCases.map(\.rawValue)
            lines += ["USER", "SASL \(mechanisms.joined(separator: " "))"]
        }
        if !isSecure, settings.offersTLS { lines.append("STLS") }
        if settings.loginDelay > 0 { lines.append("LOGIN-DELAY \(settings.loginDelay)") }
        lines += [
            "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "UTF8 USER", "LANG",
            "IMPLEMENTATION wMailServer",
        ]
        return lines
    }

    /// LANG (RFC 6856 §3): the server speaks English.
    mutating func chooseLanguage(_ tag: [UInt8]?) {
        guard let tag else {
            return say(.ok("Languages"), lines: ["en English", "i-default English"])
        }
        let wanted = String(decoding: tag, as: UTF8.self).lowercased()
        switch wanted {
        case "*", "i-default": say(.ok("i-default English it is"))
        case "en": say(.ok("en English it is"))
        case _ where wanted.hasPrefix("en-"): say(.ok("en English it is"))
        default: say(.languageUnknown)
        }
    }
}

extension Response {
    /// What the client hears who may not come in, or not log in.
    package init(_ refusal: LoginRefusal) {
        self =
            switch refusal {
            case .wrong: .loginFailed
            case .inUse(let holder?): .error("The mailbox is in use by \(holder)", code: .inUse)
            case .inUse(nil): .error("The mailbox is in use", code: .inUse)
            case .tooOften(let seconds):
                .error("Too often, try again in \(seconds) seconds", code: .loginDelay)
            case .blocked(let reason, 0):
                .error("Not now: \(reason)", code: .temporary)
            case .blocked(let reason, let seconds):
                .error("Not for \(seconds) seconds: \(reason)", code: .temporary)
            case .temporary: .error("Temporary trouble, try again later", code: .temporary)
            case .permanent: .error("The mailbox needs its operator", code: .permanent)
            }
    }
}
