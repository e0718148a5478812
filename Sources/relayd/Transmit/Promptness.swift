// SPDX-License-Identifier: Apache-2.0
import Common

/// Whether the event loop itself may remove a name or append a line: a local disk does that in microseconds, if it has
/// not too much else to do.
///
/// It is worth it right after a server has taken a message: until that is written down, whoever kills us makes the
/// message arrive twice, and a thread would have to be woken first.
nonisolated struct Promptness: Sendable {
    /// Seconds that one call may take.
    static let limit = 0.005
    /// Seconds for which threads make the calls after one that took longer.
    static let pause = 10.0

    private var slowUntil: Deadline?

    /// Whether the event loop may make a call.
    func isGiven(now: Deadline = .now) -> Bool {
        slowUntil.map { $0 <= now } ?? true
    }

    /// Takes in how long a call has taken.
    mutating func heed(from start: Deadline, to end: Deadline = .now) {
        slowUntil =
            end.seconds(since: start) > Self.limit ? end.advanced(by: Self.pause) : nil
    }
}
