// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail

/// Moves entries of `queue/local` into mailboxes; docs/queue.md §6 says what each call leaves behind.
package final class MaildirDelivery: Sendable {
    /// What has become of an entry.
    package enum Result: Equatable, Sendable {
        /// It is in the mailbox: now, or since an earlier attempt that was cut short.
        case delivered
        /// It was not there any more: another process was faster.
        case gone
        /// A rename is impossible; ``copy(_:named:size:)`` is what is left. It blocks.
        case mustCopy
        /// The contents are not what the name claims.
        case damaged
        /// The mailbox has another message under this id.
        case clash
    }

    /// The folder `queue/local`.
    package let local: Folder
    let accounts: Folder
    let host: String

    /// Opens the folders of the instance in `root`.
    ///
    /// - Parameters:
    ///   - root: The instance's folder.
    ///   - host: Goes into the names of delivered messages; the same on all hosts that share mailboxes.
    /// - Throws: `SystemError` of open(2).
    package init(root: String, host: String) throws(SystemError) {
        local = try Folder("\(QueueLayout.path(root: root))/\(QueueLayout.local)")
        accounts = try Folder("\(root)/\(Maildir.accounts)")
        self.host = host
    }

    /// Delivers by one rename: no copy, no flush, because the contents are durable under either name.
    ///
    /// - Parameters:
    ///   - entry: Committed, or verified and flushed.
    ///   - name: Its name in `queue/local`.
    ///   - size: Octets.
    /// - Returns: What has become of it.
    /// - Throws: `MailboxError`; the entry is where it was.
    package func deliver(
        _ entry: EntryName, named name: String, size: Int
    ) throws(MailboxError) -> Result {
        guard let maildir = Maildir(entry.account) else { return .damaged }
        let target = target(of: entry, in: maildir, size: size)
        do throws(SystemError) {
            do throws(SystemError) {
                return try move(name, to: target)
            } catch  where error.code == ENOENT {
                // Gone, or a mailbox without folders.
                guard try exists(name, in: local) else { return .gone }
                try maildir.makeFolders(in: accounts)
                return try move(name, to: target)
            }
        } catch {
            throw .mailbox(error)
        }
    }

    /// Delivers by a copy, where a rename is impossible; blocks.
    ///
    /// - Parameters:
    ///   - entry: Committed, or verified and flushed.
    ///   - name: Its name in `queue/local`.
    ///   - size: Octets.
    /// - Returns: What has become of it.
    /// - Throws: `MailboxError`; the entry is where it was.
    package func copy(
        _ entry: EntryName, named name: String, size: Int
    ) throws(MailboxError) -> Result {
        guard let copy = job(entry, named: name, size: size) else { return .damaged }
        // Nil is a test's answer only.
        return try copy.run() ?? .gone
    }

    /// The copy as a value; nil for an account that has no folder.
    func job(_ entry: EntryName, named name: String, size: Int) -> MaildirCopy? {
        guard let maildir = Maildir(entry.account) else { return nil }
        let target = target(of: entry, in: maildir, size: size)
        return MaildirCopy(
            folders: self, entry: entry, name: name, maildir: maildir, target: target)
    }

    /// Only of what the front door has written is it known that lines end with CRLF, and so what POP3 will send.
    private func target(of entry: EntryName, in maildir: Maildir, size: Int) -> String {
        let known = entry.claim == nil ? nil : size
        return maildir.path("new", MaildirName(id: entry.id, host: host, size: known).text)
    }

    private func move(_ name: String, to target: String) throws(SystemError) -> Result {
        do throws(SystemError) {
            try local.renameToNew(name, to: target, in: accounts)
            return .delivered
        } catch {
            switch error.code {
            case EEXIST, EXDEV, EPERM, EMLINK: return .mustCopy
            case EINVAL:
                // A file system that knows no RENAME_NOREPLACE, such as NFS.
                if try exists(target, in: accounts) { return .mustCopy }
                try local.rename(name, to: target, in: accounts)
                return .delivered
            default: throw error
            }
        }
    }

    func exists(_ name: String, in folder: borrowing Folder) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try folder.status(of: name)
            return true
        } catch  where error.code == ENOENT {
            return false
        }
    }
}
