// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The folders that a writer needs, open, and what a commit must flush besides the file.
final class QueueFolders: Sendable {
    /// What makes names durable after the file's own fsync.
    enum NameFlush: Equatable, Sendable {
        /// The file's fsync does: crash-tested there.
        case none
        /// fsync of the folder.
        case folder
        /// syncfs, because this user may not open the folder for reading.
        case fileSystem
    }

    let drafts: Folder
    let local: Folder
    let relay: Folder
    let nameFlush: NameFlush

    /// Opens the folders of the queue in `root`.
    ///
    /// - Parameters:
    ///   - root: The instance's folder.
    ///   - alwaysSyncFolders: Flush the folder also on file systems where it is known to be needless.
    /// - Throws: `SystemError` of open(2) or fstatfs(2).
    init(root: String, alwaysSyncFolders: Bool) throws(SystemError) {
        let queue = try Folder(QueueLayout.path(root: root))
        drafts = try Folder(QueueLayout.drafts, in: queue)
        local = try Folder(QueueLayout.local, in: queue)
        relay = try Folder(QueueLayout.relay, in: queue)
        let number = local.number
        let type = try check("fstatfs", on: local.path) { wm_file_system_type(number) }
        let tested = FileSystem(rawValue: type)
        guard tested == nil || alwaysSyncFolders else {
            nameFlush = .none
            return
        }
        do throws(SystemError) {
            _ = try Folder(QueueLayout.local, in: queue, listable: true)
            nameFlush = .folder
        } catch {
            nameFlush = .fileSystem
        }
        guard tested == nil else { return }
        Log.write(
            .warning, "queue.filesystem-untested",
            [
                "type": "0x" + String(type, radix: 16), "path": local.path,
                "flush": nameFlush == .folder ? "folder" : "whole file system",
                "hint": "each message costs a second flush; ext4, xfs and btrfs need one",
            ])
    }

    /// Flushes what ``nameFlush`` says, so that the file's names are durable.
    ///
    /// - Parameters:
    ///   - file: On the queue's file system.
    ///   - relays: Whether there are names in `queue/relay` as well.
    /// - Throws: `SystemError` of fsync(2) or syncfs(2).
    func flushNames(of file: borrowing File, relays: Bool = false) throws(SystemError) {
        switch nameFlush {
        case .none: return
        case .folder:
            try local.synchronize()
            if relays { try relay.synchronize() }
        case .fileSystem:
            let number = file.number
            try check("syncfs", on: local.path) { wm_sync_file_system(number) }
        }
    }
}

/// File systems on which one fsync of a file makes its new names durable as well; the numbers of statfs(2).
///
/// On tmpfs nothing is durable, and nothing need be.
enum FileSystem: Int64 {
    case ext4 = 0xEF53
    case xfs = 0x5846_5342
    case btrfs = 0x9123_683E
    case tmpfs = 0x0102_1994
}
