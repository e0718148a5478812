// SPDX-License-Identifier: Apache-2.0
import Common
import Directory

/// What accounts have sent within the last hour, by minutes.
nonisolated struct Limits: Sendable {
    private struct Minute: Sendable {
        let number: UInt64
        var messages = 0
        var recipients = 0
    }

    private static let minutes: UInt64 = 60
    private var sent: [AccountName: [Minute]] = [:]

    /// Accounts of which anything is remembered.
    var count: Int { sent.count }

    /// Counts one message if it is within the allowance.
    ///
    /// - Returns: nil when it is; else the seconds until it would be.
    mutating func charge(
        _ account: AccountName, recipients: Int, within allowance: GroupDirectory.Allowance,
        now: Deadline
    ) -> Int? {
        if allowance == GroupDirectory.Allowance() { return nil }
        let minute = now.nanoseconds / 60_000_000_000
        var list = sent[account] ?? []
        list.removeAll { $0.number + Self.minutes <= minute }
        defer { sent[account] = list.isEmpty ? nil : list }
        var messages = list.reduce(1) { $0 + $1.messages }
        var all = list.reduce(recipients) { $0 + $1.recipients }
        func fits() -> Bool {
            messages <= allowance.messages ?? .max && all <= allowance.recipients ?? .max
        }
        if fits() {
            if list.last?.number != minute { list.append(Minute(number: minute)) }
            list[list.count - 1].messages += 1
            list[list.count - 1].recipients += recipients
            return nil
        }
        for past in list {
            messages -= past.messages
            all -= past.recipients
            if fits() {
                let end = (past.number + Self.minutes) * 60_000_000_000
                return max(1, Deadline(nanoseconds: end).wholeSeconds(since: now))
            }
        }
        // One message with more recipients than an hour allows never fits.
        return Int(Self.minutes) * 60
    }

    /// Forgets what is older than an hour.
    mutating func sweep(now: Deadline) {
        let minute = now.nanoseconds / 60_000_000_000
        sent = sent.filter { $0.value.last.map { $0.number + Self.minutes > minute } ?? false }
    }
}
