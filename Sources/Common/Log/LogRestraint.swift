// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Keeps one trouble that many entries meet from burying the log: some lines for each event and reason, then a count.
package struct LogRestraint: Sendable {
    /// What is to become of a line.
    enum Verdict: Equatable, Sendable {
        case write
        /// It is written, and so many before it were not.
        case writeAfter(kept: Int)
        case keep
        /// The first that is not written: that there will be no more is told.
        case keepFirst
    }

    private struct Kind: Hashable, Sendable {
        let event: String
        let reason: String
    }

    private struct Window: Sendable {
        let began: Deadline
        var written = 0
        var kept = 0
    }

    /// Lines of one kind in a window; further ones are counted.
    static let most = 10
    /// Seconds of a window.
    static let seconds = 300.0
    /// Kinds that are remembered; more than there are events and reasons.
    static let mostKinds = 200

    private var windows: [Kind: Window] = [:]

    package init() {}

    /// Whether a line may be written; tells how many were not before it.
    ///
    /// - Parameters:
    ///   - event: The line's event.
    ///   - reason: Why it happened, without naming the one that it happened to.
    /// - Returns: False when it is only counted.
    package mutating func admits(_ event: String, because reason: String) -> Bool {
        switch judge(event, because: reason, now: .now) {
        case .write: return true
        case .keep: return false
        case .keepFirst:
            Log.write(
                .warning, "log.restrained",
                [
                    "of": event, "reason": reason, "lines": 1,
                    "hint":
                        "this line and further ones like it are counted and not written, for \(Int(Self.seconds)) s",
                ])
            return false
        case .writeAfter(let kept):
            Log.write(
                .warning, "log.restrained", ["of": event, "reason": reason, "lines": kept])
            return true
        }
    }

    /// The same, saying nothing.
    mutating func judge(_ event: String, because reason: String, now: Deadline) -> Verdict {
        let kind = Kind(event: event, reason: reason)
        let known = windows[kind]
        guard var window = known, now.seconds(since: window.began) < Self.seconds else {
            if known == nil, windows.count >= Self.mostKinds {
                windows = windows.filter { now.seconds(since: $0.value.began) < Self.seconds }
                if windows.count >= Self.mostKinds { return .write }
            }
            windows[kind] = Window(began: now, written: 1)
            return known.map { $0.kept > 0 ? .writeAfter(kept: $0.kept) : .write } ?? .write
        }
        let isFew = window.written < Self.most
        if isFew { window.written += 1 } else { window.kept += 1 }
        windows[kind] = window
        if isFew { return .write }
        return window.kept == 1 ? .keepFirst : .keep
    }
}

/// The same for several threads.
package final class SharedLogRestraint: Sendable {
    private let restraint = Mutex(LogRestraint())

    package init() {}

    /// See ``LogRestraint/admits(_:because:)``.
    package func admits(_ event: String, because reason: String) -> Bool {
        restraint.withLock { $0.admits(event, because: reason) }
    }
}
