// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Mail

/// A point in a copy after which a crash leaves something else; docs/queue.md §6 has the table.
enum CopyStep: CaseIterable, Sendable {
    case created
    case copied
    case synchronized
    case linked
    case namesSynchronized
    case removed
}

/// Delivery where a rename is impossible: another file system, or the name is taken already.
///
/// The copy in `Maildir/tmp` is named by the id alone and locked, so every process on every host meets it there,
/// and its number of names says how far an attempt came that was cut short.
struct MaildirCopy {
    let folders: MaildirDelivery
    let entry: EntryName
    /// In `queue/local`.
    let name: String
    let maildir: Maildir
    /// In `new`, relative to `usermanager`.
    let target: String
    /// Asked after each step whether to go on; tests stop here as a crash would.
    var goesOn: (CopyStep) -> Bool = { _ in true }

    private var temporary: String { maildir.path("tmp", entry.id.description) }

    /// Copies, flushes, links, flushes, and only then removes the entry; blocks.
    ///
    /// - Returns: Nil only when a test stopped it.
    /// - Throws: `MailboxError`; the entry is where it was, and at most one whole message in the mailbox.
    func run() throws(MailboxError) -> MaildirDelivery.Result? {
        guard let source = try openSource() else { return .gone }
        // The rename was tried first and perhaps found the name taken, perhaps by this very message.
        if try isThere(target, in: folders.accounts) { return try settle(source) }
        let changed = try mailbox { () throws(SystemError) in
            try maildir.makeFolders(in: folders.accounts)
        }
        let copy = try openCopy()
        guard goesOn(.created) else { return nil }
        // A second name means that an attempt died after linking: the owner may even have moved the message.
        if try mailbox({ () throws(SystemError) in try copy.status().links }) == 1 {
            // Look again, now that nobody else can be at it.
            guard try isThere(name, in: folders.local) else {
                try remove(temporary, from: folders.accounts)
                return .gone
            }
            guard try fill(copy, from: source) else {
                try remove(temporary, from: folders.accounts)
                return .damaged
            }
            guard goesOn(.copied) else { return nil }
            try mailbox { () throws(SystemError) in try copy.synchronize() }
            guard goesOn(.synchronized) else { return nil }
            guard try link() else {
                try remove(temporary, from: folders.accounts)
                return try settle(source)
            }
            guard goesOn(.linked) else { return nil }
        }
        // The entry is on another disk: its removal must not become durable before the delivery.
        try flush(copy, and: changed)
        guard goesOn(.namesSynchronized) else { return nil }
        try remove(name, from: folders.local)
        guard goesOn(.removed) else { return nil }
        try remove(temporary, from: folders.accounts)
        try sweep()
        return .delivered
    }

    /// Removes what attempts left here that died after the entry was gone.
    private func sweep() throws(MailboxError) {
        _ = try mailbox { () throws(SystemError) in
            try Sweep(
                Folder("\(maildir.path)/tmp", in: folders.accounts, listable: true),
                age: Sweep.copyAge)
        }
    }

    private func openSource() throws(MailboxError) -> File? {
        do throws(SystemError) {
            return try File(name, in: folders.local)
        } catch {
            if error.code == ENOENT { return nil }
            throw .entry(error)
        }
    }

    /// Opens and locks the copy: a new one, or what an attempt left that was cut short.
    private func openCopy() throws(MailboxError) -> File {
        let temporary = temporary
        while true {
            let file = try mailbox { () throws(SystemError) in
                try File(
                    temporary, in: folders.accounts, flags: O_RDWR | O_CREAT, mode: 0o640)
            }
            guard try mailbox({ () throws(SystemError) in try file.tryLock() }) else {
                throw .busy
            }
            // Whoever held the lock before may have taken the name away: then this is no longer the copy.
            let inode = try mailbox { () throws(SystemError) in try file.status().inode }
            guard try isThere(temporary, in: folders.accounts) else { continue }
            let named = try mailbox { () throws(SystemError) in
                try folders.accounts.status(of: temporary).inode
            }
            if named == inode { return file }
        }
    }

    /// Writes the contents; false when they are not what the entry's name claims.
    private func fill(
        _ copy: borrowing File, from source: borrowing File
    ) throws(MailboxError) -> Bool {
        try mailbox { () throws(SystemError) in try copy.truncate() }
        var checksum: UInt32 = 0
        var size = 0
        while true {
            let part: [UInt8]
            do throws(SystemError) {
                part = try source.read(atMost: 128 << 10, at: size)
            } catch {
                try remove(temporary, from: folders.accounts)
                throw .entry(error)
            }
            if part.isEmpty { break }
            checksum = wm_crc32c(checksum, part, part.count)
            size += part.count
            try mailbox { () throws(SystemError) in try copy.write(part) }
        }
        guard let claim = entry.claim else { return true }
        return claim == EntryName.Claim(size: size, checksum: checksum)
    }

    /// Gives the copy its name in `new`; false when that is taken.
    private func link() throws(MailboxError) -> Bool {
        let accounts = (temporary, target)
        do throws(SystemError) {
            try folders.accounts.link(accounts.0, to: accounts.1, in: folders.accounts)
            return true
        } catch {
            switch error.code {
            case EEXIST: return false
            case EPERM, EOPNOTSUPP, ENOSYS, EMLINK: return try renameInstead()
            default: throw .mailbox(error)
            }
        }
    }

    /// Where the file system has no links.
    private func renameInstead() throws(MailboxError) -> Bool {
        do throws(SystemError) {
            try folders.accounts.renameToNew(temporary, to: target, in: folders.accounts)
            return true
        } catch {
            switch error.code {
            case EEXIST: return false
            case EINVAL:
                if try isThere(target, in: folders.accounts) { return false }
                try mailbox { () throws(SystemError) in
                    try folders.accounts.rename(temporary, to: target, in: folders.accounts)
                }
                return true
            default: throw .mailbox(error)
            }
        }
    }

    /// The name in `new` is taken: by this message, then the entry is settled, or by another, then it is a clash.
    private func settle(_ source: borrowing File) throws(MailboxError) -> MaildirDelivery.Result {
        let there = try mailbox { () throws(SystemError) in
            try File(target, in: folders.accounts)
        }
        guard try isSame(source, there) else { return .clash }
        try flush(there, and: [])
        try remove(name, from: folders.local)
        return .delivered
    }

    private func isSame(
        _ source: borrowing File, _ there: borrowing File
    ) throws(MailboxError) -> Bool {
        try mailbox { () throws(SystemError) in
            let (one, other) = (try source.status(), try there.status())
            if one.device == other.device, one.inode == other.inode { return true }
            guard one.size == other.size else { return false }
            var offset = 0
            while offset < one.size {
                let part = try source.read(atMost: 128 << 10, at: offset)
                guard !part.isEmpty, part == (try there.read(atMost: part.count, at: offset)) else {
                    return false
                }
                offset += part.count
            }
            return true
        }
    }

    /// Makes the file, its names and the folders on the way to it durable.
    private func flush(
        _ file: borrowing File, and changed: [String]
    ) throws(MailboxError) {
        try mailbox { () throws(SystemError) in
            try file.synchronize()
            for path in [maildir.path + "/new"] + changed {
                try Folder(path, in: folders.accounts).synchronize()
            }
        }
    }

    private func isThere(
        _ name: String, in folder: borrowing Folder
    ) throws(MailboxError) -> Bool {
        try mailbox { () throws(SystemError) in try folders.exists(name, in: folder) }
    }

    /// Removes a name; one that is gone already is no error.
    private func remove(_ name: String, from folder: borrowing Folder) throws(MailboxError) {
        do throws(SystemError) {
            try folder.unlink(name)
        } catch {
            if error.code != ENOENT { throw .mailbox(error) }
        }
    }

    private func mailbox<Value: ~Copyable>(
        _ body: () throws(SystemError) -> Value
    ) throws(MailboxError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .mailbox(error)
        }
    }
}
