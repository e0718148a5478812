// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// What becomes of an entry after an attempt, or when only time has passed: a pure function.
///
/// To be carried out in this order, each step durable before the next: append ``events``; commit ``reports``; append
/// ``closing``, or remove the entry if ``isFinal``. A crash in between is mended by settling anew without records: what
/// is not remembered as reported is due again. If nothing is to be reported and nothing remains, removing is all.
nonisolated struct Settlement: Equatable, Sendable {
    /// A report that the sender is to get.
    struct DueReport: Equatable, Sendable {
        let kind: Report.Kind
        let recipients: [ReportedRecipient]
    }

    /// What happened; to be appended before a report is made.
    private(set) var events: [RelayEvent] = []
    /// At most one of each kind.
    private(set) var reports: [DueReport] = []
    /// To be appended once the reports are committed; the next attempt is its last.
    private(set) var closing: [RelayEvent] = []
    /// When the next attempt is due, in seconds since 1970; nil when there is nothing left to do.
    private(set) var next: Int?

    /// Whether the entry is to be removed.
    var isFinal: Bool { next == nil }

    /// Settles an entry.
    ///
    /// - Parameters:
    ///   - entry: As it was claimed.
    ///   - records: What came of the attempt, for those who were attempted; may be empty.
    ///   - now: Seconds since 1970.
    ///   - schedule: When to try again, to warn and to give up.
    ///   - reportsSuccess: `deliveryReports`: our own senders also hear of success that they did not ask for.
    ///   - generator: For the jitter.
    init(
        of entry: RelayEntry, _ records: [(MailAddress, DeliveryRecord)], now: Int,
        schedule: RetrySchedule, reportsSuccess: Bool = false,
        using generator: inout some RandomNumberGenerator
    ) {
        var after = entry
        func note(_ event: RelayEvent, in list: inout [RelayEvent]) {
            after.apply(event)
            list.append(event)
        }
        if !records.isEmpty { note(.attempted(time: now, records), in: &events) }
        let expiry = schedule.expiry(arrived: entry.arrived)
        if now >= expiry, !after.pending.isEmpty {
            note(.expired(time: now, after.pending.map(\.address)), in: &events)
        }

        let rules = ReportRules(after, reportsSuccess: reportsSuccess)
        for kind in [Report.Kind.failure, .success] {
            let due = after.recipients.filter { rules.isDue(kind, $0) }
            guard !due.isEmpty else { continue }
            reports.append(DueReport(kind: kind, recipients: due.map { rules.told($0, nil) }))
            note(.reported(time: now, due.map(\.recipient.address)), in: &closing)
        }
        guard !after.pending.isEmpty else { return }

        let late = after.recipients.filter { rules.isDue(.delay, $0) }
        var warning = late.isEmpty ? nil : schedule.warning(arrived: entry.arrived)
        if let due = warning, due <= now {
            reports.append(
                DueReport(kind: .delay, recipients: late.map { rules.told($0, expiry) }))
            note(.warned(time: now), in: &closing)
            warning = nil
        }
        // Neither the warning nor the end waits for an attempt that would come later.
        let attempt = schedule.next(after: after.attempts, now: now, using: &generator)
        let due = max(now + 1, min(attempt, warning ?? attempt, expiry))
        closing.append(.postponed(until: due))
        next = due
    }
}

extension Settlement {
    /// When an entry must be settled whatever comes of attempts: to warn its sender, or to give up.
    nonisolated static func deadline(of entry: RelayEntry, _ schedule: RetrySchedule) -> Int {
        let rules = ReportRules(entry, reportsSuccess: false)
        let isToWarn = entry.recipients.contains { rules.isDue(.delay, $0) }
        let warning = isToWarn ? schedule.warning(arrived: entry.arrived) : nil
        return warning ?? schedule.expiry(arrived: entry.arrived)
    }
}

/// Who hears of what (RFC 3461 §5.2, §4.1).
nonisolated private struct ReportRules {
    private let hasSender: Bool
    private let isWarned: Bool
    private let delivered: Set<MailAddress>
    /// The original addresses of recipients at other servers: those of ours that stand here were expanded.
    private let onward: Set<OriginalRecipient>
    /// Whether success is told without having been asked for: only to our own, never to strangers.
    private let reportsSuccess: Bool

    init(_ entry: RelayEntry, reportsSuccess: Bool) {
        // RFC 5321 §4.5.5: no report on a report.
        hasSender = entry.envelope.envelope.sender != .null
        isWarned = entry.isWarned
        let delivered = entry.envelope.delivered
        self.delivered = delivered
        onward = Set(
            entry.recipients.lazy.map(\.recipient).filter { !delivered.contains($0.address) }
                .compactMap(\.original))
        self.reportsSuccess = reportsSuccess && !entry.envelope.reportsTo.isEmpty
    }

    func isDue(_ kind: Report.Kind, _ progress: RelayEntry.Progress) -> Bool {
        guard hasSender, !progress.isReported else { return false }
        let notify = progress.recipient.notify
        switch kind {
        case .failure: return progress.isLost && notify?.contains(.failure) ?? true
        case .delay:
            return progress.isPending && !isWarned && notify?.contains(.delay) ?? true
        case .success:
            guard let record = progress.record, record.outcome.result == .accepted else {
                return false
            }
            guard let notify else { return reportsSuccess }
            // RFC 3461 §5.2.2: a server that knows the request has taken over the duty.
            return notify.contains(.success) && !record.takesOverReports
        }
    }

    /// What is said of a recipient for whom something is due.
    func told(_ progress: RelayEntry.Progress, _ retryUntil: Int?) -> ReportedRecipient {
        let outcome = progress.record?.outcome
        let action: ReportedRecipient.Action
        let status: EnhancedStatus
        switch outcome?.result {
        case .accepted:
            action = success(progress.recipient)
            status = outcome?.status ?? .success
        case .permanent:
            action = .failed
            status = outcome?.status ?? .success
        case .temporary, nil:
            action = progress.isExpired ? .failed : .delayed
            // RFC 3463 §3.5: the delivery time has expired.
            status =
                progress.isExpired
                ? EnhancedStatus(.temporary, 4, 7)
                : outcome?.status ?? EnhancedStatus(.temporary, 4, 0)
        }
        return ReportedRecipient(
            progress.recipient, action, status, record: progress.record,
            lastAttempt: progress.lastAttempt, willRetryUntil: retryUntil)
    }
}

extension ReportRules {
    /// RFC 3461 §5.2.2, §5.2.3, §5.2.7.3.
    nonisolated private func success(_ recipient: Recipient) -> ReportedRecipient.Action {
        guard delivered.contains(recipient.address) else { return .relayed }
        return recipient.original.map(onward.contains) ?? false ? .expanded : .delivered
    }
}

extension RelayEntry.Progress {
    /// Whether the mail has not come to this recipient and never will.
    nonisolated fileprivate var isLost: Bool {
        isExpired || record?.outcome.result == .permanent
    }
}

extension RetrySchedule {
    /// As it is configured.
    nonisolated init(_ settings: TransmitSettings) {
        self.init(
            retryMinutes: settings.retryMinutes, jitterPercent: settings.retryJitterPercent,
            warnAfterHours: settings.warnAfterHours, giveUpAfterDays: settings.giveUpAfterDays)
    }
}
