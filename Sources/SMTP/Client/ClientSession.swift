// SPDX-License-Identifier: Apache-2.0
import Mail

/// The client's side of one SMTP connection, without input or output: bytes in, steps out.
///
/// It greets, says EHLO, encrypts and logs in as its settings demand, and then carries one transaction after the
/// other. Whatever the server does, each recipient of a transaction gets exactly one outcome.
package struct ClientSession: Sendable {
    /// What the session waits for.
    enum State: Equatable {
        /// → hello, closed
        case greeting
        /// After EHLO, or after HELO. → startingTLS, login, idle, closed
        case hello(isExtended: Bool)
        /// After STARTTLS. → handshake, login, idle, closed
        case startingTLS
        /// Until the caller has shaken hands. → hello, closed
        case handshake
        /// After AUTH. → idle, closed
        case login(Login)
        /// → transaction, quitting, closed
        case idle
        /// MAIL to end of data. → resetting, idle, closed
        case transaction(Transaction)
        /// After RSET. → idle, closed
        case resetting
        /// → closed
        case quitting
        case closed
    }

    /// The server's next question in AUTH (RFC 4954 §4).
    enum Login: Equatable {
        case response([UInt8])
        case user, password, verdict
    }

    package let settings: ClientSettings
    /// What the server offers; empty before EHLO and again after STARTTLS (RFC 3207 §4.2).
    package private(set) var extensions = PeerExtensions()
    /// Whether the stream is encrypted.
    package private(set) var isEncrypted: Bool
    var state = State.greeting
    var steps: [ClientStep] = []
    private var nextStep = 0
    private var parser = ReplyParser()

    package init(settings: ClientSettings) {
        self.settings = settings
        isEncrypted = settings.isEncrypted
    }

    // MARK: What the caller tells

    /// Takes in what the server sent.
    package mutating func receive(_ bytes: borrowing Span<UInt8>) {
        guard state != .closed else { return }
        parser.append(bytes)
        do throws(ReplyError) {
            while state != .closed, let reply = try parser.next() {
                take(reply)
            }
        } catch {
            let text =
                switch error {
                case .malformed(let line): "malformed reply: \(line)"
                case .tooLong: "a reply without end"
                }
            fail(Outcome(.temporary, EnhancedStatus(.temporary, 5, 0), at: stage, text))
        }
    }

    /// Takes in what the server sent.
    package mutating func receive(_ bytes: [UInt8]) {
        receive(bytes.span)
    }

    /// The handshake that `.startTLS` asked for is done.
    package mutating func tlsStarted() {
        guard state == .handshake else { return }
        guard !isOutOfStep else { return failInjected() }
        isEncrypted = true
        extensions = PeerExtensions()
        sayHello(isExtended: true)
    }

    /// The connection ended, timed out or failed.
    ///
    /// - Parameter reason: For the outcome of everybody who has none yet.
    package mutating func ended(_ reason: String) {
        switch state {
        case .closed: return
        case .quitting: close(nil)
        default:
            let status =
                stage == .tls ? EnhancedStatus(.temporary, 7, 5) : EnhancedStatus(.temporary, 4, 2)
            fail(Outcome(.temporary, status, at: stage, reason))
        }
    }

    /// Says goodbye; steps until `.close` follow.
    package mutating func quit() {
        guard state == .idle else { return close(nil) }
        send("QUIT")
        state = .quitting
    }

    // MARK: What the caller is to do

    /// The next step; `.wait` until something is received.
    package mutating func next() -> ClientStep {
        if nextStep < steps.count {
            defer { nextStep += 1 }
            return steps[nextStep]
        }
        steps.removeAll(keepingCapacity: true)
        nextStep = 0
        switch state {
        case .closed: return .close(nil)
        case .idle: return .ready
        case .greeting: return .wait(.greeting)
        case .handshake: return .startTLS
        case .quitting: return .wait(.quit)
        case .transaction(let transaction): return transaction.awaited
        case .hello, .startingTLS, .login, .resetting: return .wait(.reply)
        }
    }

    // MARK: Replies

    private mutating func take(_ reply: PeerReply) {
        // RFC 5321 §3.8: 421 may answer any command, and the connection is over.
        if reply.code == 421, state != .quitting {
            return fail(reply.outcome(at: stage))
        }
        switch state {
        case .greeting: greeted(reply)
        case .hello(let isExtended): helloAnswered(reply, isExtended: isExtended)
        case .startingTLS: startTLSAnswered(reply)
        case .login(let login): loginAnswered(reply, login)
        case .transaction(let transaction): transactionAnswered(reply, transaction)
        case .resetting:
            if reply.severity == .positive { state = .idle } else { close(nil) }
        case .quitting: close(nil)
        case .handshake: failInjected()
        case .idle:
            // Nobody asked: whatever follows would be taken for the answer to something else.
            failOutOfStep(reply)
        case .closed: return
        }
    }

    private mutating func greeted(_ reply: PeerReply) {
        switch reply.severity {
        case .positive where isOutOfStep: failOutOfStep()
        case .positive: sayHello(isExtended: true)
        case .permanent where reply.code != 521:
            // RFC 5321 §3.1: no service for us here and now; the operator or another host may mend it. Only
            // 521 says that this host never takes mail (RFC 7504 §3).
            var outcome = reply.outcome(at: .greeting)
            outcome.result = .temporary
            outcome.status = EnhancedStatus(
                .temporary, outcome.status.subject, outcome.status.detail)
            fail(outcome)
        default: fail(reply.outcome(at: .greeting))
        }
    }

    private mutating func sayHello(isExtended: Bool) {
        send((isExtended ? "EHLO " : "HELO ") + settings.name)
        state = .hello(isExtended: isExtended)
    }

    private mutating func helloAnswered(_ reply: PeerReply, isExtended: Bool) {
        switch reply.severity {
        case .positive:
            extensions = isExtended ? PeerExtensions(reply: reply) : PeerExtensions()
            encryptOrLogIn()
        // RFC 5321 §3.2: an old server. Under TLS nobody is that old.
        case .permanent where isExtended && !isEncrypted: sayHello(isExtended: false)
        default: fail(temporary(reply, at: .hello))
        }
    }

    private mutating func encryptOrLogIn() {
        if !isEncrypted, settings.encryption != .none {
            if extensions.startTLS {
                send("STARTTLS")
                state = .startingTLS
                return
            }
            if settings.encryption == .required {
                return fail(
                    Outcome(
                        .temporary, EnhancedStatus(.temporary, 7, 4), at: .tls,
                        "TLS is required, but the server does not offer it"))
            }
        }
        logIn()
    }

    private mutating func startTLSAnswered(_ reply: PeerReply) {
        if reply.code == 220 {
            state = .handshake
            if isOutOfStep { failInjected() }
        } else if settings.encryption == .required {
            fail(temporary(reply, at: .tls))
        } else {
            logIn()
        }
    }

    // MARK: Endings

    /// A refusal that is about us or the server, not about the message: never a reason to bounce.
    func temporary(_ reply: PeerReply, at stage: Outcome.Stage) -> Outcome {
        var outcome = reply.outcome(at: stage)
        outcome.result = .temporary
        outcome.status = EnhancedStatus(.temporary, outcome.status.subject, outcome.status.detail)
        return outcome
    }

    private var stage: Outcome.Stage {
        switch state {
        case .greeting: .greeting
        case .hello: .hello
        case .startingTLS, .handshake: .tls
        case .login: .login
        case .transaction(let transaction): transaction.stage
        case .idle, .resetting, .quitting, .closed: .connection
        }
    }

    /// Whether something came that nobody asked for.
    var isOutOfStep: Bool { parser.hasPending }

    mutating func failOutOfStep(_ reply: PeerReply? = nil) {
        let text = reply.map { ": \($0.text)" } ?? ""
        fail(
            Outcome(
                .temporary, EnhancedStatus(.temporary, 5, 0), at: stage,
                "reply to no command\(text)"))
    }

    /// RFC 3207 §5: what came in the clear must not be taken for an answer under TLS.
    private mutating func failInjected() {
        fail(
            Outcome(
                .temporary, EnhancedStatus(.temporary, 7, 5), at: .tls,
                "the server sent more in the clear after its answer to STARTTLS"))
    }

    /// Gives everybody who waits for an outcome this one, and closes.
    mutating func fail(_ outcome: Outcome) {
        if case .transaction(var transaction) = state {
            transaction.settleRest(outcome)
            steps.append(.settled(transaction.outcomes))
        }
        close(outcome)
    }

    private mutating func close(_ outcome: Outcome?) {
        state = .closed
        steps.append(.close(outcome))
    }

    mutating func send(_ line: String) {
        steps.append(.send(Array(line.utf8) + [13, 10]))
    }
}
