// SPDX-License-Identifier: Apache-2.0
import Common

/// What is set aside after trouble, and until when: accounts, and entries that are themselves the trouble.
///
/// Entries that wait for an account are not remembered; they lie in the queue, and a scan finds them when the
/// account is due. So the memory that trouble costs does not grow with the number of messages.
nonisolated struct Setbacks: Sendable {
    /// What was set aside.
    enum Subject: Hashable, Sendable {
        case account(AccountName)
        /// By its name in the queue.
        case entry(String)
    }

    private struct Setback {
        var reason: String
        var delay: Double
        var until: Deadline
    }

    static let firstDelay: Double = 1
    static let longestDelay: Double = 600
    /// More entries than this are not remembered; every scan tries them again.
    static let most = 10_000

    private var setbacks: [Subject: Setback] = [:]
    /// Not later than the next subject that is due; nil when none is set aside.
    private(set) var nextDue: Deadline?

    /// Sets a subject aside for a time that grows with each failure.
    ///
    /// - Parameters:
    ///   - subject: What failed.
    ///   - reason: Why; the time begins anew when it is another one than last time.
    ///   - now: The present.
    ///   - jitter: 0.75…1.25, so that not everything comes back at once.
    /// - Returns: The seconds to wait, if this is news that the log should tell.
    mutating func add(
        _ subject: Subject, reason: String, now: Deadline,
        jitter: Double = .random(in: 0.75...1.25)
    ) -> Double? {
        var delay = Self.firstDelay
        var isNews = true
        if let earlier = setbacks[subject], earlier.reason == reason {
            // Several entries for one account may fail in one scan: that is one failure.
            if now < earlier.until { return nil }
            delay = min(earlier.delay * 2, Self.longestDelay)
            isNews = false
        } else if setbacks.count >= Self.most {
            return nil
        }
        let until = now.advanced(by: delay * jitter)
        setbacks[subject] = Setback(reason: reason, delay: delay, until: until)
        nextDue = min(nextDue ?? until, until)
        return isNews ? delay : nil
    }

    /// All is well again.
    ///
    /// - Returns: Whether there had been trouble.
    mutating func remove(_ subject: Subject) -> Bool {
        // Nearly always empty, and then nothing is hashed.
        if setbacks.isEmpty { return false }
        return setbacks.removeValue(forKey: subject) != nil
    }

    /// Whether the subject's time has not come yet.
    func isSetAside(_ subject: Subject, now: Deadline) -> Bool {
        guard !setbacks.isEmpty, let setback = setbacks[subject] else { return false }
        return now < setback.until
    }

    /// After a scan: forgets entries that it did not meet any more and finds the next time that something is due.
    ///
    /// - Parameters:
    ///   - started: When the scan began; whatever was due then has had its chance.
    ///   - now: The present.
    mutating func settle(scanStarted started: Deadline, now: Deadline) {
        // Due before the scan and not set aside again by it: nothing waits for it any more.
        setbacks = setbacks.filter { started < $0.value.until }
        nextDue = setbacks.values.map(\.until).min()
    }
}
