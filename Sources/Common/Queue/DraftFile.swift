// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail
import Synchronization

/// A draft's file in `queue/tmp`; unlinked when it ends, unless a commit has taken the name away.
///
/// Its lock ends with the descriptor: that is how everybody else sees whether the writer is alive.
final class DraftFile: Sendable {
    let file: File
    private let folders: QueueFolders
    /// Its name, seen from `queue/tmp`.
    let name: String
    private let hasName = Atomic<Bool>(true)

    /// Makes the file; it is nobody's until ``lock()``.
    ///
    /// - Throws: `SystemError` of openat(2).
    convenience init(_ id: QueueID, in folders: QueueFolders) throws(SystemError) {
        try self.init(named: QueueLayout.draftName(id), in: folders)
    }

    /// Makes the file of the message's envelope.
    ///
    /// - Throws: `SystemError` of openat(2).
    convenience init(envelopeOf id: QueueID, in folders: QueueFolders) throws(SystemError) {
        try self.init(named: QueueLayout.draftEnvelopeName(id), in: folders)
    }

    private init(named name: String, in folders: QueueFolders) throws(SystemError) {
        self.folders = folders
        self.name = name
        file = try File(
            name, in: folders.drafts, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o640)
    }

    /// Takes the lock, which is free: the name was made a moment ago and cannot be guessed.
    ///
    /// - Throws: `SystemError` of fcntl(2), ENOLCK where the file system has no locks.
    func lock() throws(SystemError) {
        guard try file.tryLock() else { throw SystemError("fcntl", on: file.path, code: EAGAIN) }
    }

    /// The draft's name is no more: what is left belongs to the queue, or to a crash.
    func forgetName() {
        hasName.store(false, ordering: .relaxed)
    }

    deinit {
        if hasName.load(ordering: .relaxed) { Commit.remove(name, from: folders.drafts) }
    }
}
