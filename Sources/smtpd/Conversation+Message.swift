// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import SMTP
import TLS

/// A message on its way from the session to the queue.
extension Conversation {
    func begin(_ envelope: Envelope, _ header: HeaderFacts) async -> Verdict {
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

    func append(_ bytes: [UInt8]) async {
        do throws(QueueError) {
            try await draft?.append(bytes)
        } catch {
            fail(error)
        }
    }

    func commit(_ facts: ContentFacts) async {
        guard let draft, var envelope else { return }
        self.draft = nil
        self.envelope = nil
        // What the client forgot to declare another server must know (RFC 6152 §3).
        if facts.has8Bit { envelope.body = .eightBit }
        let began = Deadline.now
        do throws(QueueError) {
            try await draft.commit(
                to: destinations.accounts, relay: await relayEnvelope(envelope))
            messages += 1
            service.storage.succeeded()
            let seconds = Deadline.now.seconds(since: began)
            Counter.messagesQueued.add()
            Counter.octetsQueued.add(draft.size)
            Counter.recipientsQueued.add(envelope.recipients.count)
            Counter.commitMicroseconds.add(Int(seconds * 1_000_000))
            Log.write(
                .info, "message.queued",
                [
                    "id": draft.id, "client": visitor.stream.peer.host,
                    "service": visitor.settings.name, "login": login?.account.user ?? "",
                    "from": envelope.sender, "recipients": envelope.recipients.count,
                    "remote": destinations.remote.count,
                    "size": draft.size,
                    "milliseconds": Int(seconds * 1000),
                ])
            session.answer(queued: "\(draft.id)")
        } catch {
            Counter.transactionsFailed.add()
            fail(error)
        }
    }

    private func fail(_ error: QueueError) {
        draft?.discard()
        draft = nil
        if let error = error.systemError { service.storage.failed(error) }
        if service.restraint.admits("queue.failed", because: error.reason) {
            Log.write(
                .error, "queue.failed", ["client": visitor.stream.peer.host, "error": error])
        }
        if case .storageFull = error {
            session.fail(ServerReplies.storageFull)
        } else {
            session.fail(ServerReplies.localTrouble)
        }
    }
}
