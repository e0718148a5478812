// SPDX-License-Identifier: Apache-2.0
import Mail

extension ServerSession {
    /// AUTH (RFC 4954 §4).
    mutating func beginLogin(_ name: String, _ initialResponse: [UInt8]?) -> ServerStep {
        guard settings.authentication != .none else { return send(count(ServerReplies.notOffered)) }
        // Never without TLS, even if the client has already sent its password.
        guard tls != nil else { return send(count(ServerReplies.encryptionFirst)) }
        guard login == nil else { return send(count(ServerReplies.alreadyLoggedIn)) }
        guard let mechanism = SASLExchange.Mechanism(name: name.utf8),
            settings.mechanisms.contains(mechanism)
        else {
            return send(count(ServerReplies.unknownMechanism))
        }
        var exchange = SASLExchange(mechanism)
        let step = exchange.begin(initialResponse: initialResponse)
        return follow(step, of: exchange, mechanism)
    }

    /// The client's answer to a challenge, or the wait for it.
    mutating func nextLine(
        of exchange: SASLExchange, _ mechanism: SASLExchange.Mechanism
    ) -> ServerStep {
        framer.limit = SASLExchange.lineLimit
        switch framer.next() {
        case nil: return .wait(.login)
        case .refused(let error):
            state = .ready
            return send(
                count(
                    error == .tooLong
                        ? ServerReplies.loginLineTooLong
                        : ServerReplies.reply(to: .bareLineEnd)))
        case .line(let line):
            var exchange = exchange
            let step = exchange.receive(line)
            return follow(step, of: exchange, mechanism)
        }
    }

    private mutating func follow(
        _ step: SASLExchange.Step, of exchange: SASLExchange, _ mechanism: SASLExchange.Mechanism
    ) -> ServerStep {
        switch step {
        case .challenge(let text):
            state = .exchanging(exchange, mechanism)
            return .send(ServerReplies.challenge(text))
        case .credentials(let credentials):
            state = .asking(.credentials(credentials, mechanism))
            return next()
        case .refused(.cancelled):
            state = .ready
            return send(count(ServerReplies.loginCancelled))
        case .refused(.foreignIdentity):
            state = .ready
            return send(count(ServerReplies.loginFailed))
        case .refused(.badBase64), .refused(.malformed):
            state = .ready
            return send(count(ServerReplies.loginMalformed))
        }
    }
}
