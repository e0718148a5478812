// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Where all mailboxes lie; open for the life of the worker.
nonisolated final class MailStore: Sendable {
    let accounts: Folder

    /// Opens the folder of the instance in `root`.
    ///
    /// - Throws: `SystemError` of open(2).
    init(root: String) throws(SystemError) {
        accounts = try Folder("\(root)/\(Maildir.accounts)")
    }
}

/// Why a mailbox cannot be opened.
nonisolated enum MaildropError: Error, Equatable {
    /// Another session has it; whose, where the lock file tells.
    case inUse(holder: String?)
    /// The last login was less than the login delay ago.
    case tooOften(seconds: Int)
    case system(SystemError)
}

/// What the operator wants of mailboxes.
nonisolated struct MaildropRules: Equatable, Sendable {
    /// Seconds between two logins (RFC 2449 §6.5); 0 for none.
    var loginDelay = 0
    /// Days that deleted messages are kept aside; 0 for none.
    var trashDays = 0.0
}

/// One account's mailbox, locked for one session: the Maildir that relayd fills and other programs may use too.
///
/// Everything here may block and belongs on a disk thread. The lock is a byte-range lock on `Maildir.lockName` in the
/// account's folder, so that hosts which share the folder exclude each other; it ends with this object or with the
/// process, whichever is first, and leaves nothing to clean up.
nonisolated final class MaildropFolder: Sendable {
    let listing: MaildropListing
    let maildir: Folder
    let rules: MaildropRules
    private let lock: File

    /// Opens and locks a mailbox and lists its messages.
    ///
    /// - Parameters:
    ///   - account: Whose.
    ///   - store: Where.
    ///   - holder: Said to whoever finds the mailbox in use; an address.
    ///   - rules: The operator's.
    /// - Returns: Nil when the account never got mail.
    /// - Throws: `MaildropError`.
    static func open(
        _ account: AccountName, in store: MailStore, holder: String, rules: MaildropRules
    ) throws(MaildropError) -> MaildropFolder? {
        // The account's folder is the Maildir's parent.
        guard let path = Maildir(account)?.path,
            let maildir = try folder(path, in: store.accounts),
            let user = try folder(String(path.dropLast("/Maildir".count)), in: store.accounts)
        else { return nil }
        let lock = try lock(user, holder: holder, rules: rules)
        var listing = try system { () throws(SystemError) in try MaildropListing(maildir) }
        listing = SizeCache(in: user).complete(listing, in: maildir)
        return MaildropFolder(maildir, lock, listing, rules)
    }

    private init(
        _ maildir: consuming Folder, _ lock: consuming File, _ listing: MaildropListing,
        _ rules: MaildropRules
    ) {
        self.maildir = maildir
        self.lock = lock
        self.listing = listing
        self.rules = rules
    }

    private static func folder(
        _ path: String, in parent: borrowing Folder
    ) throws(MaildropError) -> Folder? {
        do throws(SystemError) {
            return try Folder(path, in: parent)
        } catch {
            if error.code == ENOENT { return nil }
            throw .system(error)
        }
    }

    /// Locks the mailbox, or says who has it.
    ///
    /// The lock file holds one line of fixed length, the holder's address; its time is that of the last login.
    private static func lock(
        _ user: borrowing Folder, holder: String, rules: MaildropRules
    ) throws(MaildropError) -> File {
        let file = try system { () throws(SystemError) in
            try File(Maildir.lockName, in: user, flags: O_RDWR | O_CREAT, mode: 0o660)
        }
        guard try system({ () throws(SystemError) in try file.tryLock() }) else {
            let line = try system { () throws(SystemError) in
                try file.read(atMost: lineLength, at: 0)
            }
            let words = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\n" }
            throw .inUse(holder: words.first.map(String.init))
        }
        if rules.loginDelay > 0 {
            let status = try system { () throws(SystemError) in try file.status() }
            let wait = status.modified + rules.loginDelay - WallClock.seconds
            // A clock that was set back locks nobody out for longer than the delay.
            if status.size > 0, (1...rules.loginDelay).contains(wait) {
                throw .tooOften(seconds: wait)
            }
        }
        let spaces = String(repeating: " ", count: max(0, lineLength - 1 - holder.utf8.count))
        try system { () throws(SystemError) in try file.write(Array("\(holder)\(spaces)\n".utf8)) }
        return file
    }

    private static func system<Value: ~Copyable>(
        _ body: () throws(SystemError) -> Value
    ) throws(MaildropError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .system(error)
        }
    }

    private static let lineLength = 64
}
