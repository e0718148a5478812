// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
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

    private var session: ServerSession
    private var draft: Draft?
    private var envelope: Envelope?
    private let began = Deadline.now
    private var messages = 0
    private var refusals = 0

    init(_ service: Service, _ visitor: Visitor) {
        self.service = service
        self.visitor = visitor
        policy = ReceptionPolicy(visitor.settings, service.slice.settings)
        session = ServerSession(
            settings: ServerSettings(visitor, service.slice),
            tls: visitor.facts.map(TLSParameters.init))
    }

    /// Talks to the end.
    ///
    /// - Returns: The client's command errors.
    func run() async -> Int {
        do throws(StreamError) {
            try await talk()
        } catch {
            draft?.discard()
            await part(after: error)
        }
        Log.write(
            .info, "session.closed",
            [
                "client": visitor.stream.peer.host, "service": visitor.settings.name,
                "helo": session.clientName ?? "", "login": login?.account.user ?? "",
                "tls": visitor.facts?.version ?? "", "messages": messages, "refused": refusals,
                "errors": session.commandErrors,
                "seconds": rounded(Deadline.now.seconds(since: began)),
            ])
        return session.commandErrors
    }

    /// Says why the session ends, if the client can still hear it.
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
        let isOpen = try await visitor.stream.read(until: deadline(patience)) { bytes in
            session.receive(bytes)
        }
        guard isOpen else { throw .closedByPeer }
    }

    /// Carries out steps until there is something to wait for; nil when the session has ended.
    private func advance() async throws(StreamError) -> Patience? {
        while true {
            switch session.next() {
            case .wait(let patience): return patience
            case .send(let reply): try await say(reply)
            case .ask(let question): await answer(question)
            case .begin(let envelope, let header):
                session.answer(note(await begin(envelope, header), of: "message", ""))
            case .append(let bytes): await append(bytes)
            case .commit: await commit()
            case .discard:
                draft?.discard()
                draft = nil
            case .startTLS:
                let facts = try await visitor.startTLS()
                session.tlsStarted(TLSParameters(facts))
            case .close:
                try await visitor.stream.flush(until: deadline(.command))
                return nil
            }
        }
    }

    private func answer(_ question: Question) async {
        switch question {
        case .client: session.answer(.accepted)
        case .credentials(let credentials, _): session.answer(await login(credentials))
        case .sender(let sender, _):
            destinations = Destinations()
            session.answer(note(await judge(sender), of: "sender", sender.description))
        case .recipient(let recipient):
            let verdict = await judge(recipient)
            session.answer(note(verdict, of: "recipient", recipient.address.description))
        }
    }

    private func say(_ reply: Reply) async throws(StreamError) {
        visitor.stream.enqueue(reply.bytes)
        // A client that sends commands and never reads its replies must not fill our memory.
        if visitor.stream.pendingCount > 32 << 10 {
            try await visitor.stream.flush(until: deadline(.command))
        }
    }

    private func deadline(_ patience: Patience) -> Deadline {
        let settings = service.slice.settings
        return switch patience {
        case .greeting: .seconds(settings.greetingTimeout)
        case .command, .login: .seconds(settings.commandTimeout)
        case .dataBlock: .seconds(settings.dataTimeout)
        }
    }

    /// Logs a refusal on its way to the client.
    private func note(_ verdict: Verdict, of what: String, _ subject: String) -> Verdict {
        if case .refused(let reply) = verdict {
            refusals += 1
            Log.write(
                .info, "\(what).refused",
                [
                    "client": visitor.stream.peer.host, "service": visitor.settings.name,
                    "login": login?.account.user ?? "", what: subject, "reply": reply,
                ])
        }
        return verdict
    }

    // MARK: The message

    private func begin(_ envelope: Envelope, _ header: HeaderFacts) async -> Verdict {
        if let refusal = await refusal(of: header, recipients: envelope.recipients.count) {
            return .refused(refusal)
        }
        let draft = service.queue.draft()
        draft.add(trace(envelope, header, id: draft.id).span)
        self.draft = draft
        self.envelope = envelope
        return .accepted
    }

    private func trace(_ envelope: Envelope, _ header: HeaderFacts, id: QueueID) -> [UInt8] {
        let hostName = visitor.settings.hostname
        let hides = service.slice.settings.hideClientAddress && login != nil
        let now = WallClock.seconds
        let date = MailDate(seconds: now, offset: LocalTime.offset(at: now) / 60)
        var fields = TraceField.returnPath(envelope.sender)
        fields += TraceField.received(
            .init(
                clientName: hides ? nil : session.clientName ?? "unknown",
                clientAddress: hides ? nil : visitor.stream.peer.host, serverName: hostName,
                transmissionType: session.transmissionType, tls: session.tls, id: "\(id)",
                recipient: envelope.recipients.count == 1 ? envelope.recipients[0].address : nil,
                date: date))
        // Only for logins: what other hosts send is passed on as it is (RFC 6409 §8).
        if login != nil {
            if !header.hasDate { fields += "Date: \(date)\r\n" }
            if !header.hasMessageID { fields += "Message-ID: <\(id)@\(hostName)>\r\n" }
        }
        return Array(fields.utf8)
    }

    private func append(_ bytes: [UInt8]) async {
        do throws(QueueError) {
            try await draft?.append(bytes)
        } catch {
            fail(error)
        }
    }

    private func commit() async {
        guard let draft, let envelope else { return }
        self.draft = nil
        self.envelope = nil
        let began = Deadline.now
        do throws(QueueError) {
            try await draft.commit(
                to: destinations.accounts, relay: await relayEnvelope(envelope))
            messages += 1
            Log.write(
                .info, "message.queued",
                [
                    "id": draft.id, "client": visitor.stream.peer.host,
                    "service": visitor.settings.name, "login": login?.account.user ?? "",
                    "from": envelope.sender, "recipients": envelope.recipients.count,
                    "remote": destinations.remote.count,
                    "size": draft.size,
                    "milliseconds": Int(Deadline.now.seconds(since: began) * 1000),
                ])
            session.answer(queued: "\(draft.id)")
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: QueueError) {
        draft?.discard()
        draft = nil
        refusals += 1
        Log.write(
            .error, "queue.failed", ["client": visitor.stream.peer.host, "error": error])
        if case .storageFull = error {
            session.fail(ServerReplies.storageFull)
        } else {
            session.fail(ServerReplies.localTrouble)
        }
    }

    private func rounded(_ seconds: Double) -> Double {
        (seconds * 1000).rounded() / 1000
    }
}
