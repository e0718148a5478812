// SPDX-License-Identifier: Apache-2.0
import Mail

/// Names that inotify told of and whose message is still being committed, by id.
///
/// The kernel reports the fchmod that seals a message for one of its names only.
nonisolated struct PendingLinks: Sendable {
    /// Names that are remembered at most; beyond that a scan has to find them.
    static let most = 20_000

    private var names: [QueueID: [String]] = [:]
    private(set) var count = 0

    /// Remembers a name.
    ///
    /// - Returns: False when there are too many: then all are forgotten, and a scan is due.
    mutating func add(_ name: String) -> Bool {
        // A name without an id is the scan's business.
        guard let id = QueueID(octets: name.utf8.prefix(QueueID.textLength)) else { return true }
        guard count < Self.most else {
            names = [:]
            count = 0
            return false
        }
        names[id, default: []].append(name)
        count += 1
        return true
    }

    /// The names of a message that is sealed.
    mutating func take(_ id: QueueID) -> [String] {
        if names.isEmpty { return [] }
        guard let found = names.removeValue(forKey: id) else { return [] }
        count -= found.count
        return found
    }

    /// Forgets messages whose commit began so long ago that its writer must be dead, or a scan has seen it.
    ///
    /// - Parameter limit: Microseconds since 1970-01-01 UTC.
    mutating func forget(before limit: UInt64) {
        for id in names.keys where id.microseconds < limit { _ = take(id) }
    }
}
