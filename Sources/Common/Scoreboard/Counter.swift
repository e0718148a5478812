// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Something that a process counts, for `wmail status` and `wmail metrics`.
///
/// Adding costs one instruction on memory that only this process writes to, so it may stand on the hottest path and on
/// any thread. The numbers live in a page of the run folder (``CounterPage``) and go on when a worker is replaced.
package enum Counter: Int, CaseIterable, Sendable {
    // What is, rather than what happened.
    case connections = 0
    case landlock, seccomp, ready, blocked
    case storageUnreadable, storageUnwritable

    // Connections
    case accepted = 32
    case refused, handshakes, handshakesFailed

    // Logins
    case logins, loginsRefused

    // Mail
    case messagesQueued, octetsQueued, recipientsQueued, commitMicroseconds, transactionsFailed
    case delivered, octetsDelivered, corrupt, postponed
    case sent, deferred, bounced
    case mailboxesOpened, messagesFetched, octetsFetched, messagesDeleted

    /// Whether it is a state now, and not a sum since the start.
    package var isGauge: Bool { rawValue < 32 }

    /// Adds to it.
    package func add(_ more: Int = 1) {
        wm_count(UInt32(rawValue), UInt64(max(0, more)))
    }

    /// Sets a gauge.
    package func set(_ value: Int) {
        wm_gauge(UInt32(rawValue), UInt64(max(0, value)))
    }

    /// What this process has counted, its predecessors in the same page left out.
    package var value: Int { Int(truncatingIfNeeded: wm_counted(UInt32(rawValue))) }
}
