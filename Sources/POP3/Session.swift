// SPDX-License-Identifier: Apache-2.0
import Mail

/// The server's side of one POP3 connection, from greeting to goodbye, without a socket (RFC 1939).
///
/// Bytes go in by ``receive(_:)-(Span<UInt8>)``, steps come out of ``next()``; a step that asks for something is
/// followed by the answer and only then by the next ``next()``.
package struct Session: Sendable {
    /// Where the session stands; each case says where it may go.
    enum State: Equatable, Sendable {
        /// → exchange, securing, loggingIn, closing. A name, once USER has given one.
        case authorization(user: [UInt8]?)
        /// AUTH has begun → authorization, loggingIn.
        case exchange(SASLExchange)
        /// The handshake runs → authorization.
        case securing
        /// The conversation asks authd and opens the mailbox → transaction, authorization, closing.
        case loggingIn
        /// → listing, retrieving, updating, closing.
        case transaction
        /// The rest of LIST or UIDL, from the message at an index → transaction.
        case listing(Listing, from: Int)
        /// The conversation sends a message → transaction.
        case retrieving
        /// QUIT was said and the conversation deletes → closing.
        case updating
        /// Nothing the client says matters any more.
        case closing
    }

    /// Which column of the maildrop is listed.
    enum Listing: Equatable, Sendable {
        case sizes
        case uniqueIDs
    }

    /// Longer than RFC 2449 §4 asks for (255), because of AUTH with an initial response.
    static let lineLimit = 1024
    /// How much of a listing is made in one step.
    static let chunk = 16 << 10

    let settings: SessionSettings
    var state = State.authorization(user: nil)
    var isSecure: Bool
    var maildrop = Maildrop()
    /// The highest number that was retrieved or deleted (RFC 1460 §4, LAST).
    var last = 0
    private var framer = LineFramer(limit: Session.lineLimit)
    private var steps: [Step]
    /// Lines that were no commands, for authd.
    package private(set) var commandErrors = 0
    /// Whether the client has named UTF-8 (RFC 6856 §2.1); messages go out as they are in either mode.
    package internal(set) var isUTF8 = false

    /// A session that greets first.
    package init(_ settings: SessionSettings) {
        self.settings = settings
        isSecure = settings.isSecure
        steps = [.send(Response.greeting(settings.hostName).line)]
    }

    /// Takes bytes of the client.
    package mutating func receive(_ bytes: borrowing Span<UInt8>) {
        if state != .closing { framer.append(bytes) }
    }

    /// Takes bytes of the client.
    package mutating func receive(_ bytes: [UInt8]) {
        receive(bytes.span)
    }

    /// What is to be done next.
    package mutating func next() -> Step {
        while true {
            if !steps.isEmpty { return steps.removeFirst() }
            switch state {
            case .closing: return .close
            case .securing, .loggingIn, .retrieving, .updating:
                preconditionFailure("the last step was not answered")
            case .listing(let listing, let index):
                return .send(continueListing(listing, from: index))
            case .authorization, .exchange, .transaction: break
            }
            switch framer.next() {
            case nil: return .wait
            case .line(let line): obey(line)
            case .refused(let error): refuse(error)
            }
        }
    }

    /// Whether the client is logged in.
    package var isInTransaction: Bool {
        switch state {
        case .transaction, .listing, .retrieving: true
        default: false
        }
    }

    /// Answers `.startTLS`: the handshake is done, and all that was said before it is forgotten (RFC 2595 §4).
    package mutating func secured() {
        precondition(state == .securing)
        isSecure = true
        isUTF8 = false
        framer.discardPending()
        state = .authorization(user: nil)
    }

    /// Answers `.logIn`: the mailbox is open and locked, and this is in it.
    package mutating func admit(_ maildrop: Maildrop) {
        precondition(state == .loggingIn)
        self.maildrop = maildrop
        state = .transaction
        say(.ok("\(maildrop.count) messages (\(maildrop.octets) octets)"))
    }

    /// Answers `.logIn`: there is no mailbox for this client.
    package mutating func refuse(_ refusal: LoginRefusal) {
        precondition(state == .loggingIn)
        say(Response(refusal))
        switch refusal {
        case .tooOften, .blocked: close()
        case .wrong, .inUse, .temporary, .permanent: state = .authorization(user: nil)
        }
    }

    /// Answers `.retrieve`: the message is on its way, its heading before it and the dot behind.
    package mutating func retrieved() {
        precondition(state == .retrieving)
        state = .transaction
    }

    /// Answers `.retrieve`: nothing was sent, not even the heading.
    ///
    /// - Parameter isGone: Another program has removed the message; otherwise it cannot be read now.
    package mutating func notRetrieved(isGone: Bool) {
        precondition(state == .retrieving)
        state = .transaction
        say(isGone ? .messageGone : .messageUnreadable)
    }

    /// Answers `.delete`: all are gone but those at these indexes (RFC 1939 §6).
    package mutating func deleted(except indexes: [Int]) {
        precondition(state == .updating)
        say(indexes.isEmpty ? .bye : .notDeleted(indexes.map { $0 + 1 }))
        close()
    }

    // MARK: - For the commands

    mutating func say(_ response: Response) {
        steps.append(.send(response.line))
    }

    mutating func say(_ response: Response, lines: [String]) {
        var bytes = response.line
        for line in lines { bytes += "\(line)\r\n".utf8 }
        bytes += ".\r\n".utf8
        steps.append(.send(bytes))
    }

    mutating func ask(_ step: Step, _ state: State) {
        self.state = state
        steps.append(step)
    }

    mutating func close() {
        state = .closing
        framer.discardPending()
    }

    /// Octets of the client that are not understood yet.
    var pendingCount: Int { framer.pendingCount }

    // MARK: - Lines

    private mutating func obey(_ line: [UInt8]) {
        if case .exchange(var exchange) = state {
            let step = exchange.receive(line)
            return proceed(step, exchange)
        }
        do throws(SyntaxError) {
            perform(try CommandParser.parse(line))
        } catch {
            blame(Response(error))
        }
    }

    private mutating func refuse(_ error: LineError) {
        if case .exchange = state { state = .authorization(user: nil) }
        setLineLimit()
        blame(error == .tooLong ? .lineTooLong : .lineEnd)
    }

    private mutating func blame(_ response: Response) {
        commandErrors += 1
        say(response)
        if settings.commandErrorLimit > 0, commandErrors >= settings.commandErrorLimit {
            say(.tooManyErrors)
            close()
        }
    }

    /// After one step of a SASL exchange.
    mutating func proceed(_ step: SASLExchange.Step, _ exchange: SASLExchange) {
        switch step {
        case .challenge(let text):
            state = .exchange(exchange)
            steps.append(.send(Array("+ ".utf8) + text + Array("\r\n".utf8)))
        case .credentials(let credentials):
            ask(.logIn(credentials), .loggingIn)
        case .refused(let error):
            state = .authorization(user: nil)
            switch error {
            case .cancelled: say(.loginCancelled)
            case .badBase64: say(.badBase64)
            case .malformed, .foreignIdentity: say(.loginFailed)
            }
        }
        setLineLimit()
    }

    private mutating func setLineLimit() {
        if case .exchange = state {
            framer.limit = SASLExchange.lineLimit
        } else {
            framer.limit = Self.lineLimit
        }
    }
}
