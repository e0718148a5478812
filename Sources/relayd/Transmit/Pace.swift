// SPDX-License-Identifier: Apache-2.0

/// How much a destination is given at a time: grows while all goes well, shrinks with trouble.
nonisolated struct Pace: Equatable, Sendable {
    /// The most connections ever.
    let most: Int
    /// Connections that it may have now.
    private(set) var connections: Int
    /// Seconds between the beginnings of two transactions; 0 for none.
    private(set) var gap: Double = 0
    private var successes = 0

    /// The first gap after a server has asked for patience, in seconds.
    static let firstGap = 1.0
    /// The longest gap, in seconds.
    static let longestGap = 60.0
    /// Connections to a destination that nothing is known of.
    static let first = 2

    /// A new acquaintance.
    init(most: Int) {
        self.most = max(1, most)
        connections = min(Self.first, self.most)
    }

    /// A transaction went through.
    mutating func succeeded() {
        successes += 1
        // One more after as many successes as there are connections: doubling with each round, as TCP begins.
        guard successes >= connections else { return }
        successes = 0
        if gap > 0 {
            gap = gap <= Self.firstGap ? 0 : gap / 2
        } else if connections < most {
            connections += 1
        }
    }

    /// A connection failed or broke.
    mutating func failed() {
        successes = 0
        connections = max(1, connections / 2)
    }

    /// The server said that this is too much (4.7.x, 421).
    mutating func slowDown() {
        successes = 0
        connections = 1
        gap = min(max(gap * 2, Self.firstGap), Self.longestGap)
    }
}
