// SPDX-License-Identifier: Apache-2.0
import Mail

/// How a queue's drafts are held and made durable.
package struct QueueSettings: Equatable, Sendable {
    /// Octets that one draft may hold in memory.
    package var draftMemory = 128 << 10
    /// Octets that all drafts of this process may hold in memory together.
    package var allDraftsMemory = 64 << 20
    /// Flush the folder at each commit also where the file system does not need it.
    package var alwaysSyncFolders = false

    package init() {}
}

/// The queue as one process writes to it: the front door of every message.
@MainActor
package final class Queue {
    /// The number of threads with which commits are fastest; more are slower.
    package static let commitThreads = 12

    let folders: QueueFolders
    let pool: BlockingPool
    let settings: QueueSettings
    /// Octets that all drafts hold in memory.
    var buffered = 0

    /// Opens the queue of the instance in `root`; its folders exist.
    ///
    /// - Parameters:
    ///   - root: The instance's folder.
    ///   - pool: Where commits run; ``commitThreads`` threads are best.
    ///   - settings: Limits and strategy.
    /// - Throws: `QueueError` when a folder cannot be opened.
    package init(
        root: String, pool: BlockingPool, settings: QueueSettings = QueueSettings()
    ) throws(QueueError) {
        do throws(SystemError) {
            folders = try QueueFolders(root: root, alwaysSyncFolders: settings.alwaysSyncFolders)
        } catch {
            throw QueueError(error)
        }
        self.pool = pool
        self.settings = settings
    }

    /// Begins a message.
    package func draft() -> Draft {
        let id = QueueID(
            microseconds: WallClock.microseconds, random: UInt64.random(in: .min ... .max))
        return Draft(id: id, queue: self)
    }
}
