// SPDX-License-Identifier: Apache-2.0
package import Mail

/// The server's side of one SMTP session: bytes in, steps out, no input or output of its own.
///
/// The conversation calls ``next()`` and does what it says: again and again after `.send`, `.append` and
/// `.discard`; after ``receive(_:)`` when it said `.wait`; after an answer when it said `.ask`, `.begin` or
/// `.commit`; after ``tlsStarted(_:)`` when it said `.startTLS`. It repeats a step that was not answered.
package struct ServerSession: Sendable {
    package let settings: ServerSettings
    /// What the client calls itself; nil before HELO and EHLO.
    package internal(set) var clientName: String?
    /// Whether the client said EHLO.
    package internal(set) var isExtended = false
    /// The encryption; nil on a plain connection.
    package internal(set) var tls: TLSParameters?
    /// The account that the client logged in as.
    package internal(set) var login: String?
    /// Errors that say something of the client, and not of one message's recipients.
    package internal(set) var commandErrors = 0

    var framer = LineFramer(limit: CommandParser.lineLimit)
    var state = ServerState.opening
    var transaction: Transaction?
    var content: Content?
    /// A draft is open that no more octets go to.
    var owesDiscard = false
    /// What is said next, after an answer.
    var outbox: Reply?

    /// MAIL or a chunk was refused: what the client sent along is out of order by no fault of its own.
    var isMailRefused = false
    var acceptedRecipients = 0
    var forgivenErrors = 0
    var idleCommands = 0
    var loginFailures = 0

    /// A session that has not said anything.
    ///
    /// - Parameters:
    ///   - settings: The operator's decisions.
    ///   - tls: What the handshake agreed on, where TLS comes first.
    package init(settings: ServerSettings, tls: TLSParameters? = nil) {
        self.settings = settings
        self.tls = tls
    }

    /// Takes in what the client sent.
    package mutating func receive(_ bytes: borrowing Span<UInt8>) {
        if case .closing = state { return }
        framer.append(bytes)
    }

    /// What to do now.
    package mutating func next() -> ServerStep {
        if let reply = outbox {
            outbox = nil
            return send(reply)
        }
        if owesDiscard {
            owesDiscard = false
            return .discard
        }
        switch state {
        case .opening:
            state = .asking(.client)
            return .ask(.client)
        case .asking(let pending): return .ask(question(pending))
        case .ready: return nextCommand()
        case .exchanging(let exchange, let mechanism): return nextLine(of: exchange, mechanism)
        case .encrypting: return .startTLS
        case .receiving: return nextOfContent()
        case .closing: return .close
        }
    }

    // MARK: Answers

    /// Answers the question, or ``ServerStep/begin(_:_:)``.
    package mutating func answer(_ verdict: Verdict) {
        switch (state, verdict) {
        case (.asking(.client), .accepted):
            state = .ready
            outbox = ServerReplies.greeting(settings.hostName)
        case (.asking(.client), .refused(let reply)):
            state = .closing
            outbox = reply
        case (.asking(.sender(let path, let parameters)), .accepted):
            state = .ready
            transaction = Transaction(
                envelope: Envelope(
                    sender: path, body: parameters.body ?? .sevenBit,
                    isInternational: parameters.isInternational,
                    returnContent: parameters.returnContent, identifier: parameters.identifier,
                    login: login))
            outbox = ServerReplies.senderAccepted
        case (.asking(.sender), .refused(let reply)):
            state = .ready
            isMailRefused = true
            outbox = forgive(reply)
        case (.asking(.recipient(let recipient)), .accepted):
            state = .ready
            outbox = ServerReplies.recipientAccepted
            // Named twice it is one, and earns the client no more patience with unknown ones.
            if transaction?.envelope.recipients.contains(where: { $0.address == recipient.address })
                == false
            {
                acceptedRecipients += 1
                transaction?.envelope.recipients.append(recipient)
            }
        case (.asking(.recipient), .refused(let reply)):
            state = .ready
            transaction?.refusedCount += 1
            outbox = forgive(reply)
        case (.receiving, let verdict):
            guard case .offered = content?.phase else {
                preconditionFailure("an answer without its question")
            }
            switch verdict {
            case .accepted: content?.phase = .body
            case .refused(let reply): content?.refuse(reply)
            }
        default: preconditionFailure("an answer without its question")
        }
    }

    /// Answers the question about credentials.
    package mutating func answer(_ outcome: LoginOutcome) {
        guard case .asking(.credentials) = state else {
            preconditionFailure("an answer without its question")
        }
        state = .ready
        switch outcome {
        case .succeeded(let account):
            login = account
            outbox = ServerReplies.loggedIn
        case .failed:
            loginFailures += 1
            outbox =
                loginFailures > settings.maxLoginFailures
                ? ServerReplies.tooManyLogins : ServerReplies.loginFailed
        case .unavailable: outbox = ServerReplies.loginUnavailable
        case .refused(let reply): outbox = reply
        }
    }

    /// Answers ``ServerStep/commit(_:)``: the message is safe, and this is its name.
    package mutating func answer(queued id: some CustomStringConvertible) {
        guard case .committing = content?.phase else {
            preconditionFailure("an answer without its question")
        }
        content = nil
        resetTransaction()
        idleCommands = 0
        state = .ready
        outbox = ServerReplies.queued("\(id)")
    }

    /// Says that the message cannot be taken, at any time while it comes; a draft was dropped by the conversation.
    ///
    /// - Parameter reply: What the client hears at the message's end.
    package mutating func fail(_ reply: Reply) {
        switch content?.phase {
        case .committing:
            content = nil
            resetTransaction()
            state = .ready
            outbox = reply
        case .header, .body, .offered: content?.refuse(reply)
        case .refused, nil: break
        }
    }

    /// The handshake is done; all that was known of the client is forgotten (RFC 3207 §4.2).
    package mutating func tlsStarted(_ parameters: TLSParameters) {
        guard case .encrypting = state else {
            preconditionFailure("TLS without STARTTLS")
        }
        framer.discardPending()
        resetTransaction()
        tls = parameters
        clientName = nil
        isExtended = false
        login = nil
        state = .ready
    }

    /// Ends the session from the server's side.
    package mutating func end(_ ending: Ending) {
        resetTransaction()
        if case .closing = state { return }
        state = .closing
        switch ending {
        case .timedOut: outbox = ServerReplies.timedOut
        case .shuttingDown: outbox = ServerReplies.shuttingDown
        case .connectionLost: outbox = nil
        }
    }

    // MARK: What the conversation may want to know

    /// Whom `<postmaster>` without a domain means.
    package var postmaster: MailAddress { MailAddress(.postmaster, at: settings.postmasterDomain) }

    /// Octets that are kept in memory until more comes.
    package var heldOctets: Int { framer.pendingCount + (content?.block.count ?? 0) }

    /// Hands out at once what has come of the message's body, however little it is.
    package mutating func handOut() { content?.isHurried = true }

    /// The envelope of the message whose octets are coming in; nil while commands are read.
    package var envelopeUnderWay: Envelope? {
        if case .receiving = state, content != nil { return transaction?.envelope }
        return nil
    }

    /// Whether nothing is under way: the server may stop without a loss of work.
    package var isIdle: Bool { transaction == nil && content == nil }

    /// What `with` of a Received field says (RFC 3848, RFC 6531 §4.3).
    package var transmissionType: String {
        guard isExtended else { return "SMTP" }
        let isInternational = transaction?.envelope.isInternational ?? false
        return (isInternational ? "UTF8SMTP" : "ESMTP") + (tls == nil ? "" : "S")
            + (login == nil ? "" : "A")
    }

    // MARK: Common ways

    /// Says it, and ends after what ends a session.
    mutating func send(_ reply: Reply) -> ServerStep {
        if reply.code.endsSession {
            resetTransaction()
            state = .closing
        }
        return .send(reply)
    }

    /// The reply, or the last one when the client made too many errors.
    mutating func count(_ reply: Reply) -> Reply {
        commandErrors += 1
        return commandErrors > settings.maxCommandErrors ? ServerReplies.tooManyErrors : reply
    }

    /// The reply to what is no attack as long as it has measure: recipients of an old list, say, or what was
    /// sent along with a MAIL that was refused.
    mutating func forgive(_ reply: Reply) -> Reply {
        forgivenErrors += 1
        return forgivenErrors > max(100, settings.maxRecipients) + 10 * acceptedRecipients
            ? count(reply) : reply
    }

    /// Back to before MAIL.
    mutating func resetTransaction() {
        switch content?.phase {
        case .body, .committing: owesDiscard = true
        default: break
        }
        content = nil
        transaction = nil
        isMailRefused = false
    }

    private func question(_ pending: ServerState.Pending) -> Question {
        switch pending {
        case .client: .client
        case .credentials(let credentials, let mechanism): .credentials(credentials, mechanism)
        case .sender(let path, _): .sender(path, login: login)
        case .recipient(let recipient): .recipient(recipient)
        }
    }
}
