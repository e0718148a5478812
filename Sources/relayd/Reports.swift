// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// Makes the reports that settlements ask for, and commits them by the front door like any message.
final class Reports {
    private let queue: Queue
    private let pool: BlockingPool
    private let host: String
    private let composer: ReportComposer

    /// Octets that are read at once.
    nonisolated private static let blockSize = 128 << 10

    /// Reports of this host.
    ///
    /// - Parameters:
    ///   - queue: Where they are committed.
    ///   - pool: Where messages are read.
    ///   - host: What this host calls itself.
    ///   - templates: Of the groups.
    init(
        queue: Queue, pool: BlockingPool, host: String, templates: [String: ReportTemplate]
    ) {
        self.queue = queue
        self.pool = pool
        self.host = host
        composer = ReportComposer(templates: templates)
    }

    /// Commits a report to the sender of an entry: into its mailbox here, or into the queue for other servers.
    ///
    /// - Parameters:
    ///   - due: What is to be told.
    ///   - entry: The message that it is about.
    ///   - claim: Holds it.
    ///   - now: Seconds since 1970.
    /// - Returns: The report's id; nil when there is nobody to tell.
    /// - Throws: `QueueError`; nothing of the report is left, and it is due again.
    @discardableResult
    func commit(
        _ due: Settlement.DueReport, on entry: RelayEntry, _ claim: RelayClaim,
        now: Int = WallClock.seconds
    ) async throws(QueueError) -> QueueID? {
        let envelope = entry.envelope.envelope
        guard let sender = envelope.sender.address else { return nil }
        let accounts = entry.envelope.reportsTo
        let original = try await read(claim)
        let form = ReturnedForm(
            of: original, for: due.kind, wanted: envelope.returnContent,
            mayBeEightBit: !accounts.isEmpty)
        let draft = queue.draft()
        let report = Report(
            due.kind, id: draft.id, time: now, host: host,
            from: Self.author(host: host, sender: sender, isOurs: !accounts.isEmpty), to: sender,
            originalID: entry.id, envelopeID: envelope.identifier, recipients: due.recipients,
            original: original, form: form)
        try await draft.append(composer.opening(of: report, group: entry.envelope.group))
        if form.isWhole {
            try await append(claim, as: form, to: draft)
        } else {
            try await draft.append(ReturnedContent.header(of: original))
        }
        try await draft.append(report.ending)
        guard accounts.isEmpty else { return try await draft.commit(to: accounts) }
        let outward = Envelope(
            sender: .null, recipients: [Recipient(sender, notify: .never)],
            body: report.form.isEightBit ? .eightBit : .sevenBit,
            isInternational: report.isInternational)
        return try await draft.commit(
            to: [],
            relay: RelayEnvelope(
                outward, ways: entry.envelope.ways, group: entry.envelope.group))
    }

    /// Whom reports are from: the sender's own domain where that is ours, else this host.
    private static func author(host: String, sender: MailAddress, isOurs: Bool) -> MailAddress {
        let senders = Domain(sender.domain.ascii) ?? sender.domain
        return MailAddress(.mailerDaemon, at: isOurs ? senders : Domain(host) ?? senders)
    }

    private func read(_ claim: RelayClaim) async throws(QueueError) -> ReturnedMessage {
        try await pool.run { () throws(QueueError) in
            do throws(SystemError) {
                let file = try claim.message()
                var message = ReturnedMessage()
                var position = 0
                // What is longer comes back as its header alone, whatever the rest is.
                while message.size <= ReturnedForm.askedLimit {
                    let block = try file.read(atMost: Self.blockSize, at: position)
                    if block.isEmpty { break }
                    message.receive(block.span)
                    position += block.count
                }
                message.end()
                return message
            } catch {
                throw QueueError(error)
            }
        }
    }

    private func append(
        _ claim: RelayClaim, as form: ReturnedForm, to draft: Draft
    ) async throws(QueueError) {
        var content = ReturnedContent(form)
        var position = 0
        while true {
            let start = position
            let block = try await pool.run { () throws(QueueError) in
                do throws(SystemError) {
                    return try claim.message().read(atMost: Self.blockSize, at: start)
                } catch {
                    throw QueueError(error)
                }
            }
            if block.isEmpty { break }
            position += block.count
            try await draft.append(content.encode(block))
        }
        try await draft.append(content.end())
    }
}
