// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Tells the log and `wmail status` how the storage fares: once when it fails, now and then while it does, once when it
/// serves again.
@MainActor
package final class StorageWatch {
    /// What the storage is used for.
    package enum Use: String, Sendable {
        case reading, writing

        var gauge: Counter { self == .reading ? .storageUnreadable : .storageUnwritable }
    }

    private var health = StorageHealth()
    private let use: Use
    private let onRecovery: () -> Void
    /// It will be looked whether a success was the end of the trouble.
    private var isSettling = false

    /// - Parameters:
    ///   - use: What is watched.
    ///   - onRecovery: Called when a trouble has ended.
    package init(_ use: Use, onRecovery: @escaping () -> Void = {}) {
        self.use = use
        self.onRecovery = onRecovery
    }

    /// The trouble that is not over.
    package var error: SystemError? { health.error }
    /// When to try again; nil while it serves.
    package var retry: Deadline? { health.retry }

    /// Whether an attempt may be made now; while the storage fails, one at a time.
    package var mayTry: Bool { health.mayTry(now: .now) }

    /// A call has failed.
    ///
    /// - Parameters:
    ///   - error: Why.
    ///   - mailbox: In whose mailbox. Mailboxes may lie on disks of their own: only several, one after the other, tell of
    ///     more. Nil for the queue.
    ///   - waiting: How many entries wait for the storage; nil where nobody knows.
    package func failed(
        _ error: SystemError, in mailbox: AccountName? = nil, waiting: Int? = nil
    ) {
        // Wrong rights are one mailbox's own.
        if mailbox != nil, !error.isOfTheStorage, error.code != EIO { return }
        let news = health.failed(
            error, isCertain: mailbox == nil && error.isOfTheStorage,
            of: mailbox?.description ?? "", now: .now)
        guard let news else { return }
        let waiting = waiting.map(String.init) ?? "?"
        if case .failing(let failures, let seconds) = news {
            Log.write(
                .warning, "storage.failing",
                [
                    "use": use.rawValue, "error": error, "waiting": waiting, "failures": failures,
                    "seconds": seconds,
                ])
        } else {
            use.gauge.set(1)
            Log.write(
                .error, "storage.failed",
                [
                    "use": use.rawValue, "error": error, "waiting": waiting,
                    "hint":
                        "nothing is lost; it is tried again until it serves, and you are reminded",
                ])
        }
    }

    /// A call has succeeded.
    package func succeeded() {
        // Nearly always: nobody asks for the time.
        if health.isUntroubled { return }
        if case .recovered(let failures, let seconds)? = health.succeeded(now: .now) {
            use.gauge.set(0)
            Log.write(
                .notice, "storage.serves",
                ["use": use.rawValue, "failures": failures, "seconds": seconds])
            onRecovery()
        } else if health.error != nil, !isSettling {
            // Perhaps nothing else is done for hours.
            isSettling = true
            let before = health.failures
            Task {
                await sleep(until: .seconds(StorageHealth.quiet))
                isSettling = false
                if health.failures == before { succeeded() }
            }
        }
    }
}
