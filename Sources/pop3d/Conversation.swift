// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import POP3
import TLS

/// One client: carries out what the session asks for, until the session or the client ends it.
final class Conversation {
    let service: Service
    let visitor: Visitor
    var session: Session
    var mailbox: OpenMailbox?
    var pacer: Pacer
    var tally = Tally()
    private let began = Deadline.now

    /// The mailbox of a client that has logged in.
    struct OpenMailbox {
        let account: AccountName
        /// Nil when the account never got mail, and when the session is over.
        var folder: MaildropFolder?
        /// What other programs have moved since the login.
        var moved: Relocations = [:]
    }

    /// What the log says of a session.
    struct Tally {
        var retrieved = 0
        var octets = 0
        var deleted = 0
        /// Octets since other sessions last got their turn.
        var unyielded = 0
    }

    /// What is pending goes out when it is more than this, lest a client that only asks fill our memory.
    static let pendingLimit = 64 << 10

    init(_ service: Service, _ visitor: Visitor) {
        self.service = service
        self.visitor = visitor
        pacer = Pacer(speed: service.slice.settings.maxSpeed)
        session = Session(SessionSettings(visitor, service.slice.settings))
    }

    /// Talks to the end.
    ///
    /// - Returns: The client's command errors.
    func run() async -> Int {
        do throws(StreamError) {
            try await talk()
            finish("quit")
        } catch {
            finish(error.words)
        }
        return session.commandErrors
    }

    /// In a function of its own for the sake of those who wait, see ``talk()``.
    @inline(never)
    private func finish(_ ending: String) {
        let account = mailbox?.account
        // Unlocks; what is marked and was not followed by QUIT stays (RFC 1939 §6).
        mailbox = nil
        Log.write(
            .info, "session.closed",
            [
                "client": visitor.stream.peer.host, "service": visitor.settings.name,
                "login": account?.user ?? "", "tls": visitor.facts?.version ?? "",
                "retrieved": tally.retrieved, "octets": tally.octets, "deleted": tally.deleted,
                "errors": session.commandErrors, "ending": ending,
                "seconds": (Deadline.now.seconds(since: began) * 1000).rounded() / 1000,
            ])
    }

    /// Between its commands a client waits, perhaps for minutes and with thousands of others, so what is held meanwhile
    /// is kept small: the steps are carried out in a function of their own.
    private func talk() async throws(StreamError) {
        while try await advance() {
            if service.gate.ending == .stop { throw .interrupted }
            let isOpen = try await visitor.stream.read(until: deadline) { session.receive($0) }
            if !isOpen { throw .closedByPeer }
        }
    }

    /// Carries out steps until there is something to wait for; false when the session has ended.
    private func advance() async throws(StreamError) -> Bool {
        while true {
            switch nextStep() {
            case .wait: return true
            case .send: try await visitor.stream.flush(until: deadline)
            case .close:
                // Who comes back as soon as the goodbye arrives shall find the mailbox free.
                mailbox?.folder = nil
                try await visitor.stream.finish(until: deadline)
                return false
            case let step: try await carryOut(step)
            }
        }
    }

    /// Does what can be done at once.
    ///
    /// - Returns: What remains; `.send` when so much is pending that it has to go out first.
    @inline(never)
    private func nextStep() -> Step {
        while true {
            let step = session.next()
            guard case .send(let bytes) = step else { return step }
            visitor.stream.enqueue(bytes)
            if visitor.stream.pendingCount > Self.pendingLimit { return step }
        }
    }

    @inline(never)
    private func carryOut(_ step: Step) async throws(StreamError) {
        switch step {
        case .startTLS:
            _ = try await visitor.startTLS()
            session.secured()
        case .logIn(let credentials): await logIn(credentials)
        case .retrieve(let retrieval): try await retrieve(retrieval)
        case .delete(let indexes): await delete(indexes)
        // Done at once, or by the caller.
        case .wait, .send, .close: return
        }
    }

    /// Until when the client has time.
    var deadline: Deadline {
        let settings = service.slice.settings
        return mailbox == nil
            ? began.advanced(by: settings.greetingTimeout) : .seconds(settings.idleTimeout)
    }
}

/// The configuration in the session's terms.
extension SessionSettings {
    init(_ visitor: Visitor, _ settings: MailboxAccessSettings) {
        let listener = visitor.settings
        self.init(
            hostName: listener.hostname, isSecure: visitor.facts != nil,
            offersTLS: visitor.canStartTLS,
            allowsPlainLogin: listener.allowPlainLoginFrom.contains(visitor.stream.peer),
            commandErrorLimit: settings.maxCommandErrors, loginDelay: settings.loginDelay)
    }
}
