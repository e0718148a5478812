// SPDX-License-Identifier: Apache-2.0
import Common

/// Logins that were found right a few minutes ago, so that a client that polls every minute costs no hash
/// each time.
///
/// It holds keyed hashes under a key that is made at start and never leaves memory. The stored password is
/// part of what is hashed, so a changed password is unknown at once.
nonisolated struct LoginCache: Sendable {
    private var verified: BoundedTable<UInt128, Deadline>
    private let seconds: Double

    init(capacity: Int = 50_000, seconds: Double = 600) {
        verified = BoundedTable(capacity: capacity)
        self.seconds = seconds
    }

    /// Remembers a login; not longer because of being used.
    mutating func remember(_ fingerprint: UInt128, now: Deadline) {
        verified.set(fingerprint, to: now.advanced(by: seconds))
    }

    /// Whether the login was found right not long ago.
    func knows(_ fingerprint: UInt128, now: Deadline) -> Bool {
        verified[fingerprint].map { now < $0 } ?? false
    }

    mutating func forgetAll() {
        verified.removeOldest { _ in true }
    }

    mutating func sweep(now: Deadline) {
        verified.removeOldest { $0 <= now }
    }

    var count: Int { verified.count }
}
