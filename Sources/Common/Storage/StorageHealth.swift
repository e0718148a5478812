// SPDX-License-Identifier: Apache-2.0
import Glibc

extension SystemError {
    /// Whether it is the file system's as a whole, so that no other file will fare better now.
    ///
    /// EIO is not among them, which may be one bad sector, nor EACCES; several of those in a row tell the same.
    package var isOfTheStorage: Bool {
        switch code {
        case EROFS, ENOSPC, EDQUOT: true
        // What network file systems say when they have lost their servers.
        case ENOTCONN, ESHUTDOWN, ECONNRESET, ECONNREFUSED, ECONNABORTED, ETIMEDOUT, EHOSTDOWN,
            EHOSTUNREACH, ENETDOWN, ENETUNREACH, EREMOTEIO:
            true
        // The disk was pulled out.
        case ENODEV, ENXIO, ENOMEDIUM: true
        default: false
        }
    }

    /// Whether there is no room: removing goes on, and helps.
    package var isOfSpace: Bool { code == ENOSPC || code == EDQUOT }
}

/// Whether the storage below some files serves, as what came of the calls shows; and when to try it again if not.
///
/// It fails with an error that tells of the whole, or with the third in a row of any. Then whoever asks ``mayTry(now:)``
/// makes single attempts, more and more seldom, until one succeeds.
package struct StorageHealth: Sendable {
    /// What somebody should be told.
    package enum News: Equatable, Sendable {
        case failed
        /// It goes on, after so many failures in all and so many seconds.
        case failing(failures: Int, seconds: Int)
        /// It is over, after so many failures in all and so many seconds.
        case recovered(failures: Int, seconds: Int)
    }

    private struct Failing {
        let since: Deadline
        var told: Deadline
        var latest: Deadline
        var failures: Int
        var pause: Double
        var until: Deadline
        var error: SystemError
    }

    private enum State {
        /// With so many failures since the last success, the last of them of this.
        case serving(inRow: Int, of: String)
        case failing(Failing)
    }

    /// Failures in a row, each of which may be one file's own, that make us doubt the storage.
    static let doubt = 3
    /// Seconds until the first attempt after a failure.
    static let firstPause = 5.0
    static let longestPause = 60.0
    /// Seconds without failure before a success ends the trouble: on a disk that is full for large messages and not for
    /// small ones it would else end all the time.
    static let quiet = 3.0
    /// Seconds between two reminders.
    static let reminder = 300.0

    private var state = State.serving(inRow: 0, of: "")

    package init() {}

    /// The trouble that is not over.
    package var error: SystemError? {
        guard case .failing(let failing) = state else { return nil }
        return failing.error
    }

    /// Failures of the trouble that is not over.
    var failures: Int {
        guard case .failing(let failing) = state else { return 0 }
        return failing.failures
    }

    /// Whether nothing has failed since the last success.
    package var isUntroubled: Bool {
        guard case .serving(0, _) = state else { return false }
        return true
    }

    /// When to try again; nil while it serves.
    package var retry: Deadline? {
        guard case .failing(let failing) = state else { return nil }
        return failing.until
    }

    /// Whether an attempt may be made now; while it fails, one at a time.
    package func mayTry(now: Deadline) -> Bool { retry.map { $0 <= now } ?? true }

    /// A call has failed.
    ///
    /// - Parameters:
    ///   - error: Why.
    ///   - isCertain: Whether that alone is enough to say that the storage fails.
    ///   - subject: Whose trouble it may be; the same again tells nothing of others. Empty where each failure counts.
    ///   - now: The present.
    ///   - jitter: 0.75…1.25, so that several hosts do not try at the same moment.
    /// - Returns: What to tell.
    package mutating func failed(
        _ error: SystemError, isCertain: Bool, of subject: String = "", now: Deadline,
        jitter: Double = .random(in: 0.75...1.25)
    ) -> News? {
        switch state {
        case .serving(let before, let last):
            let inRow = !subject.isEmpty && subject == last ? before : before + 1
            guard isCertain || inRow >= Self.doubt else {
                state = .serving(inRow: inRow, of: subject)
                return nil
            }
            state = .failing(
                Failing(
                    since: now, told: now, latest: now, failures: inRow,
                    pause: Self.firstPause, until: now.advanced(by: Self.firstPause * jitter),
                    error: error))
            return .failed
        case .failing(var failing):
            failing.failures += 1
            failing.latest = now
            failing.error = error
            // Several that were under way together are one attempt.
            if failing.until <= now {
                failing.pause = min(failing.pause * 2, Self.longestPause)
                failing.until = now.advanced(by: failing.pause * jitter)
            }
            let isDue = now.seconds(since: failing.told) >= Self.reminder
            if isDue { failing.told = now }
            state = .failing(failing)
            guard isDue else { return nil }
            return .failing(
                failures: failing.failures, seconds: Int(now.seconds(since: failing.since)))
        }
    }

    /// A call has succeeded.
    ///
    /// - Returns: What to tell.
    package mutating func succeeded(now: Deadline) -> News? {
        if case .failing(let failing) = state {
            guard now.seconds(since: failing.latest) >= Self.quiet else { return nil }
            state = .serving(inRow: 0, of: "")
            return .recovered(
                failures: failing.failures, seconds: Int(now.seconds(since: failing.since)))
        }
        state = .serving(inRow: 0, of: "")
        return nil
    }
}
