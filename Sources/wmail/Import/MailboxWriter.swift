// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail

/// Puts messages of another program into an account's mailbox, each exactly once however often it is asked to.
///
/// What was imported stands in `Maildir/wmail-imported`, a line a message: its id, the SHA-256 of its contents and its
/// key at the source. So a message that its owner has deleted since is not imported again, and an import that was cut
/// short goes on where it was. A line is written when the message was flushed, read back and found to be the same.
final class MailboxWriter {
    /// What an import of a mailbox has done.
    struct Tally: Equatable, Sendable {
        var imported = 0
        /// Imported by an earlier run.
        var present = 0
        var octets = 0
        /// Messages whose unique id could not be kept, with the reason.
        var changed: [String] = []
        var unusable: [String] = []

        /// All that the source had.
        var total: Int { imported + present + unusable.count }
    }

    private(set) var tally = Tally()
    static let journalName = "wmail-imported"
    /// Messages between two flushes.
    private static let batch = 200

    private let accounts: Folder
    private let maildir: Maildir
    private let journal: File
    private let owner: MailboxOwner
    private var keys: Set<String> = []
    private var names: [UInt64: String] = [:]
    private var uniqueIDs: Set<String> = []
    private var pending: [(key: String, id: QueueID, digest: [UInt8], path: String)] = []

    /// Opens the mailbox, and makes it if it is not there.
    ///
    /// - Throws: `SystemError`.
    init(_ maildir: Maildir, in places: Places) throws(SystemError) {
        let accounts = try Folder(places.userManager)
        self.maildir = maildir
        try Self.make(maildir, in: accounts)
        owner = MailboxOwner(try accounts.status(of: maildir.path))
        let path = "\(maildir.path)/\(Self.journalName)"
        let journal = try File(path, in: accounts, flags: O_RDWR | O_CREAT | O_APPEND, mode: 0o640)
        guard try journal.tryLock() else {
            throw SystemError("import", on: "\(accounts.path)/\(path)", code: EBUSY)
        }
        if try journal.status().size == 0 { try Self.give(journal, to: owner) }
        for line in try journal.readAll(limit: 1 << 30).split(separator: 0x0A) {
            let words = line.split(separator: 0x20)
            guard words.count == 3 else { continue }
            keys.insert(String(decoding: words[2], as: UTF8.self))
        }
        for place in ["new", "cur"] {
            let names = try Folder("\(maildir.path)/\(place)", in: accounts, listable: true).names()
            for text in names {
                let name = MaildirName(text)
                guard let id = name.queueID else { continue }
                self.names[id.random] = "\(place)/\(text)"
                uniqueIDs.insert(name.keptUniqueID ?? id.description)
            }
        }
        self.accounts = accounts
        self.journal = journal
    }

    /// Puts a message in, or finds that an earlier run did.
    ///
    /// - Throws: `SystemError`; nothing that was reported as done is lost.
    func put(_ message: ForeignMessage) throws(SystemError) {
        let key = NamePart.escape(message.key)
        guard keys.insert(key).inserted else {
            tally.present += 1
            return
        }
        let digest = SHA256.digest(message.content)
        let random = SHA256.digest(Array(key.utf8) + digest).prefix(8).reduce(0) {
            $0 << 8 | UInt64($1)
        }
        let id = QueueID(microseconds: message.arrived, random: random)
        if let name = names[random] {
            // An earlier run was killed between naming the file and noting it: it is whole, or made again.
            let path = "\(maildir.path)/\(name)"
            if try contents(of: path) == digest {
                pending.append((key, id, digest, path))
                tally.present += 1
                return try settleIfNeeded()
            }
            try accounts.unlink(path)
        }
        try write(message, id, digest, key)
        tally.imported += 1
        tally.octets += message.content.count
        try settleIfNeeded()
    }

    /// Counts something that is no message.
    func pass(_ name: String, _ reason: String) {
        tally.unusable.append("\(name): \(reason)")
    }

    private func write(
        _ message: ForeignMessage, _ id: QueueID, _ digest: [UInt8], _ key: String
    ) throws(SystemError) {
        let temporary = maildir.path("tmp", "\(id).import")
        let name = name(of: message, id)
        let place = message.flags == nil ? "new" : "cur"
        // In cur every name has its flags, were there none.
        let text = place == "cur" && name.flags.isEmpty ? "\(name.base):2," : name.text
        let path = maildir.path(place, text)
        do throws(SystemError) {
            let file = try File(
                temporary, in: accounts, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o640)
            try Self.give(file, to: owner)
            try file.write(message.content)
            try accounts.rename(temporary, to: path, in: accounts)
        } catch {
            _ = unlinkat(accounts.number, temporary, 0)
            throw error
        }
        pending.append((key, id, digest, path))
    }

    /// The name, with the unique id if that can be kept: a client must never see two messages under one.
    private func name(of message: ForeignMessage, _ id: QueueID) -> MaildirName {
        let (host, size, flags) = ("imported", message.content.count, message.flags ?? "")
        if let uniqueID = message.uniqueID {
            let name = MaildirName(
                id: id, host: host, size: size, uniqueID: uniqueID, flags: flags)
            if let name, uniqueIDs.insert(uniqueID).inserted { return name }
            let reason = name == nil ? "not one that POP3 allows" : "taken already"
            tally.changed.append("\(message.key): its unique id \(uniqueID) is \(reason)")
        }
        uniqueIDs.insert(id.description)
        return MaildirName(id: id, host: host, size: size, flags: flags)
    }

    private func settleIfNeeded() throws(SystemError) {
        if pending.count >= Self.batch { try settle() }
    }

    /// Flushes what was put in, reads it back, compares, and notes it; called at the end at the latest.
    ///
    /// - Throws: `SystemError`; EIO when the disk gives other octets than it got.
    func settle() throws(SystemError) {
        guard !pending.isEmpty else { return }
        try Folder(maildir.path, in: accounts, listable: true).synchronizeFileSystem()
        var lines: [UInt8] = []
        for item in pending {
            // Nil: its owner has fetched and deleted it, or another program has moved it to cur.
            if let digest = try contents(of: item.path), digest != item.digest {
                throw SystemError("compare", on: "\(accounts.path)/\(item.path)", code: EIO)
            }
            lines += Array("\(item.id) \(hexadecimal(item.digest)) \(item.key)\n".utf8)
        }
        try journal.write(lines)
        try journal.synchronize()
        pending = []
    }

    /// The digest of a message in the mailbox; nil when it is not there any more.
    private func contents(of path: String) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            let file = try File(path, in: accounts)
            var hash = SHA256()
            var offset = 0
            while true {
                let part = try file.read(atMost: 1 << 18, at: offset)
                if part.isEmpty { return hash.finish() }
                hash.update(part[...])
                offset += part.count
            }
        } catch  where error.code == ENOENT {
            return nil
        }
    }

    /// Gives a file to whom the mailbox belongs, readable for its group, which pop3d is in.
    private static func give(_ file: borrowing File, to owner: MailboxOwner) throws(SystemError) {
        // Whatever the umask of the one who imports.
        try file.setMode(0o640)
        guard geteuid() == 0 else { return }
        let number = file.number
        try check("fchown", on: file.path) { fchown(number, owner.user, owner.group) }
    }

    /// Makes the mailbox's folders with the owners and rights of what they lie in.
    private static func make(_ maildir: Maildir, in accounts: borrowing Folder) throws(SystemError)
    {
        let parts = maildir.path.split(separator: "/").map(String.init)
        var paths = (1...parts.count).map { parts[..<$0].joined(separator: "/") }
        paths += Maildir.folders.map { "\(maildir.path)/\($0)" }
        for path in paths {
            do throws(SystemError) {
                _ = try accounts.status(of: path)
            } catch  where error.code == ENOENT {
                let parent = path.split(separator: "/").dropLast().joined(separator: "/")
                let status = try accounts.status(of: parent.isEmpty ? "." : parent)
                try accounts.makeFolder(path, mode: 0o700)
                try accounts.adopt(status, for: path)
            }
        }
    }
}

/// Whose a message's file must be for the server's processes to read and delete it.
struct MailboxOwner: Equatable, Sendable {
    let user: UInt32
    let group: UInt32

    /// The mailbox's owner; where root made the folders and no server has run yet, whoever will own them.
    init(_ mailbox: FileStatus) {
        guard mailbox.owner == 0, geteuid() == 0, let mail = getpwnam("wmail-mail"),
            let pop = getgrnam("wmail-pop")
        else {
            (user, group) = (mailbox.owner, mailbox.group)
            return
        }
        (user, group) = (mail.pointee.pw_uid, pop.pointee.gr_gid)
    }
}
