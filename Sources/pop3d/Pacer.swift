// SPDX-License-Identifier: Apache-2.0
import Common

/// Keeps a session at or below so many octets per second: the operator's `maxSpeed`.
nonisolated struct Pacer: Equatable, Sendable {
    /// Octets per second; 0 for no limit.
    let speed: Int
    /// When what was sent so far is paid for.
    private var paidUntil = Deadline(nanoseconds: 0)
    /// A session that was idle may be this many seconds ahead, so that small messages never wait.
    private static let credit = 0.25

    init(speed: Int) {
        self.speed = speed
    }

    /// The most to send in one piece: a quarter of a second's worth, so that a slow session flows evenly.
    func piece(atMost most: Int) -> Int {
        speed == 0 ? most : max(512, min(most, speed / 4))
    }

    /// Counts octets that are sent now.
    ///
    /// - Returns: When the next ones may go; nil for at once.
    mutating func sent(_ octets: Int, at now: Deadline) -> Deadline? {
        guard speed > 0 else { return nil }
        paidUntil = max(now, paidUntil).advanced(by: Double(octets) / Double(speed))
        return paidUntil.seconds(since: now) > Self.credit ? paidUntil : nil
    }
}
