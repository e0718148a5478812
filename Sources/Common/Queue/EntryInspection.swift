// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What a name in `queue/local` stands for just now; docs/queue.md §3 has the states.
package enum EntryInspection: Equatable, Sendable {
    /// Committed, or an orphan that proved whole and is flushed.
    case deliverable(EntryName, size: Int)
    /// In the making, gone, or a name that is nobody's business.
    case passOver
    /// To be moved aside, for this reason.
    case corrupt(String)
    /// Could not be looked at; later perhaps.
    case trouble(SystemError)

    /// Looks at one name.
    ///
    /// - Parameters:
    ///   - name: In the folder.
    ///   - local: The folder `queue/local`.
    ///   - verifying: Compare the contents of committed entries as well, as after a start. Orphans always are. Reads
    ///     the file, and so belongs on a thread that may block.
    package init(of name: String, in local: borrowing Folder, verifying: Bool) {
        do throws(SystemError) {
            self = try Self.inspect(name, in: local, verifying: verifying)
        } catch {
            self = error.isGone ? .passOver : .trouble(error)
        }
    }

    /// Looks at one name without opening the file: orphans and entries in the making are passed over.
    package init(ofLive name: String, in local: borrowing Folder) {
        do throws(SystemError) {
            let status = try local.status(of: name)
            self = status.isCommitted ? Self.judge(name, status) : .passOver
        } catch {
            self = error.isGone ? .passOver : .trouble(error)
        }
    }

    private static func inspect(
        _ name: String, in local: borrowing Folder, verifying: Bool
    ) throws(SystemError) -> Self {
        if QueueLayout.isHidden(name) { return .passOver }
        let status = try local.status(of: name)
        if status.isRegularFile, status.isCommitted, !verifying { return judge(name, status) }
        guard status.isRegularFile else { return judge(name, status) }
        let file = try File(name, in: local)
        // The lock is asked for before the permission bits: a writer that finishes in between must not look dead.
        if !status.isCommitted, try file.isLockedByAnother() { return .passOver }
        let now = try file.status()
        let judgement = judge(name, now)
        guard case .deliverable(let entry, let size) = judgement else { return judgement }
        if now.isCommitted, !verifying { return judgement }
        if let claim = entry.claim, try file.checksum() != claim.checksum {
            return .corrupt("its contents do not have the checksum that its name claims")
        }
        // Its writer died before the flush, or we cannot know better: never a rename before the contents.
        if !now.isCommitted { try file.synchronize() }
        return .deliverable(entry, size: size)
    }

    /// What name and status say together.
    private static func judge(_ name: String, _ status: FileStatus) -> Self {
        guard status.isRegularFile else { return .corrupt("it is not a regular file") }
        guard let entry = EntryName(name) else { return .corrupt("its name cannot be read") }
        if let claim = entry.claim, claim.size != status.size {
            return .corrupt(
                "it has \(status.size) octets, and its name claims \(claim.size)")
        }
        return .deliverable(entry, size: status.size)
    }
}

extension FileStatus {
    /// Sealed by the last step of a commit: not even the owner may write.
    package var isCommitted: Bool { permissions & 0o200 == 0 }
}
