// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy
import SMTP
import TLS

/// One client: carries out what the session asks for, until the session or the client ends it.
final class Conversation {
    let service: Service
    let visitor: Visitor
    let policy: ReceptionPolicy
    /// Who logged in.
    var login: AccountLogin?
    /// Where the message goes that is being received.
    var destinations = Destinations()

    var session: ServerSession
    var draft: Draft?
    var envelope: Envelope?
    private let began = Deadline.now
    /// When HELO or EHLO must have come.
    private var greetingDeadline: Deadline
    /// When what the client has begun to send must be whole; nil when it has not been waited for yet.
    private var patienceEnds: Deadline?
    /// When the message that is coming began, and its octets so far; nil between messages.
    private var arrival: (began: Deadline, octets: Int)?
    /// What of this session is counted in the service's `held`.
    private var held = 0
    var messages = 0
    var refusals = 0
    /// The refusal that is said next stands in the log already.
    var isNoted = false

    init(_ service: Service, _ visitor: Visitor) {
        self.service = service
        self.visitor = visitor
        policy = ReceptionPolicy(visitor.settings, service.slice.settings)
        session = ServerSession(
            settings: ServerSettings(
                visitor.settings, service.slice.settings, canStartTLS: visitor.canStartTLS),
            tls: visitor.facts.map(TLSParameters.init))
        greetingDeadline = .seconds(service.slice.settings.greetingTimeout)
    }

    /// Talks to the end.
    ///
    /// - Returns: The client's command errors.
    func run() async -> Int {
        do throws(StreamError) {
            try await talk()
            finish("closed")
        } catch {
            draft?.discard()
            await part(after: error)
            finish(error.words)
        }
        return session.commandErrors
    }

    /// In a function of its own for the sake of those who wait, see ``advance()``.
    @inline(never)
    private func finish(_ ending: String) {
        service.held -= held
        Log.write(
            .info, "session.closed",
            [
                "client": visitor.stream.peer.host, "service": visitor.settings.name,
                "helo": session.clientName ?? "", "login": login?.account.user ?? "",
                "tls": visitor.facts?.version ?? "", "messages": messages, "refused": refusals,
                "errors": session.commandErrors, "ending": ending,
                "seconds": rounded(Deadline.now.seconds(since: began)),
            ])
    }

    /// Says why the session ends, if the client can still hear it.
    @inline(never)
    private func part(after error: StreamError) async {
        switch error {
        case .timedOut: session.end(.timedOut)
        case .interrupted: session.end(.shuttingDown)
        default: return
        }
        while case .send(let reply) = session.next() { visitor.stream.enqueue(reply.bytes) }
        do throws(StreamError) {
            try await visitor.stream.flush(until: .seconds(1))
        } catch {
            Log.write(.debug, "client.gone", ["client": visitor.stream.peer.host])
        }
    }

    /// Between its steps a session waits for the client, perhaps for minutes and with thousands of others, so what is
    /// held meanwhile is kept small: the steps are carried out in a function of their own.
    private func talk() async throws(StreamError) {
        while let patience = try await advance() {
            do throws(StreamError) {
                try await hear(patience)
            } catch .interrupted where patience == .dataBlock {
                // The message in mid-air gets the seconds that there are.
                try await hear(patience)
            }
        }
    }

    private func hear(_ patience: Patience) async throws(StreamError) {
        if service.gate.ending == .stop, patience != .dataBlock { throw .interrupted }
        let isOpen = try await visitor.stream.read(until: end(of: patience)) { bytes in
            arrival?.octets += bytes.count
            session.receive(bytes)
        }
        guard isOpen else { throw .closedByPeer }
    }

    /// Until when the client has time.
    ///
    /// One that trickles octets of a command gets no more than one that is silent; a message comes in parts, with their own
    /// time for each, and all together not too slowly.
    private func end(of patience: Patience) -> Deadline {
        guard patience == .dataBlock else {
            arrival = nil
            let end = patienceEnds ?? deadline(patience)
            patienceEnds = end
            return end
        }
        patienceEnds = nil
        let end = deadline(patience)
        let (began, octets) = arrival ?? (.now, 0)
        arrival = (began, octets)
        let settings = service.slice.settings
        guard settings.minDataRate > 0 else { return end }
        let seconds = settings.dataTimeout + Double(octets) / Double(settings.minDataRate)
        return min(end, began.advanced(by: seconds))
    }

    /// Counts what this session holds while it waits, and makes it less where all together hold too much.
    ///
    /// - Returns: Whether there is something to do about it before the wait.
    private func hold() -> Bool {
        let octets = session.heldOctets
        service.held += octets - held
        held = octets
        guard service.isCrowded, octets > 4096, session.envelopeUnderWay != nil else {
            return false
        }
        if draft == nil {
            session.fail(ServerReplies.storageFull)
        } else {
            session.handOut()
        }
        return true
    }

    /// Carries out steps until there is something to wait for; nil when the session has ended.
    ///
    /// A task keeps the room that it once needed, so what most clients never ask for is not in here.
    @inline(never)
    private func advance() async throws(StreamError) -> Patience? {
        while true {
            switch nextDeed() {
            case .wait(let patience): return patience
            case .flush: try await visitor.stream.flush(until: deadline(.command))
            case .close:
                try await visitor.stream.finish(until: deadline(.command))
                return nil
            case .carryOut(let step): try await carryOut(step)
            }
        }
    }

    /// What cannot be done at once.
    private enum Deed {
        case wait(Patience)
        /// So much is pending that it has to go out first: a client that sends commands and never reads its replies must
        /// not fill our memory.
        case flush
        case close
        /// Not in line with the others, so that who waits has no room for it.
        indirect case carryOut(ServerStep)
    }

    /// Does what can be done at once.
    ///
    /// - Returns: What remains.
    @inline(never)
    private func nextDeed() -> Deed {
        while true {
            let envelope = session.envelopeUnderWay
            let step = session.next()
            if case .wait(let patience) = step {
                if hold() { continue }
                return .wait(patience)
            }
            patienceEnds = nil
            switch step {
            case .send(let reply):
                say(reply, about: envelope)
                if visitor.stream.pendingCount > 32 << 10 { return .flush }
            case .ask(.client): session.answer(.accepted)
            case .discard:
                draft?.discard()
                draft = nil
            case .close: return .close
            default: return .carryOut(step)
            }
        }
    }

    @inline(never)
    private func carryOut(_ step: ServerStep) async throws(StreamError) {
        switch step {
        case .ask(let question): await answer(question)
        case .begin(let envelope, let header):
            session.answer(note(await begin(envelope, header), on: .message(envelope)))
        case .append(let bytes): await append(bytes)
        case .commit(let facts): await commit(facts)
        case .startTLS:
            let facts = try await visitor.startTLS()
            session.tlsStarted(TLSParameters(facts))
            greetingDeadline = .seconds(service.slice.settings.greetingTimeout)
        // Done at once, or by the caller.
        case .wait, .send, .discard, .close: return
        }
    }

    @inline(never)
    private func answer(_ question: Question) async {
        switch question {
        // Answered at once.
        case .client: return
        case .credentials(let credentials, _):
            let outcome = await login(credentials)
            // authd has written the line.
            if case .succeeded = outcome { isNoted = false } else { isNoted = true }
            session.answer(outcome)
        case .sender(let sender, _):
            destinations = Destinations()
            session.answer(note(await judge(sender), on: .sender(sender)))
        case .recipient(let recipient):
            let verdict = await judge(recipient)
            session.answer(note(verdict, on: .recipient(recipient.address)))
        }
    }

    private func say(_ reply: Reply, about envelope: Envelope?) {
        if reply.code.isTemporary || reply.code.isPermanent {
            if !isNoted { log(reply, to: envelope.map { .message($0) } ?? .command) }
            isNoted = false
        }
        visitor.stream.enqueue(reply.bytes)
    }

    private func deadline(_ patience: Patience) -> Deadline {
        let settings = service.slice.settings
        return switch patience {
        case .greeting: greetingDeadline
        case .command, .login: .seconds(settings.commandTimeout)
        case .dataBlock: .seconds(settings.dataTimeout)
        }
    }

    private func rounded(_ seconds: Double) -> Double {
        (seconds * 1000).rounded() / 1000
    }
}
