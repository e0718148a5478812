// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Where an account's messages lie: `usermanager/<group>/users/<user>/Maildir`, with `tmp`, `new` and `cur`.
package struct Maildir: Hashable, Sendable {
    /// The folder of all groups, under the instance's root.
    package static let accounts = "usermanager"
    /// The file beside the Maildir that a session with the mailbox holds locked.
    package static let lockName = "pop3.lock"
    /// The folders that make a Maildir.
    package static let folders = ["tmp", "new", "cur"]

    /// Relative to `usermanager`; each part is one folder.
    package let path: String

    /// An account's Maildir; nil for names that no folder can have.
    package init?(_ account: AccountName) {
        guard NamePart.isFolderName(account.group), NamePart.isFolderName(account.user) else {
            return nil
        }
        path = "\(account.group)/users/\(account.user)/Maildir"
    }

    /// A file or folder in it, relative to `usermanager`.
    package func path(_ folder: String, _ name: String) -> String {
        "\(path)/\(folder)/\(name)"
    }

    /// Makes the folders that are not there, from `users` down; the group's folder exists.
    ///
    /// Each gets its parent's permissions by mkdir alone: the setgid bit is inherited, and a chmod by an owner
    /// who is not in the folder's group would silently drop it. Workers run with umask 007.
    ///
    /// - Parameter accounts: The folder `usermanager`, open.
    /// - Returns: The folders whose entries are new, relative to `usermanager`.
    /// - Throws: `SystemError` of fstatat(2) or mkdirat(2).
    @discardableResult
    package func makeFolders(in accounts: borrowing Folder) throws(SystemError) -> [String] {
        let parts = path.split(separator: "/").map(String.init)
        var parent = parts[0]
        var changed: [String] = []
        for part in parts.dropFirst() {
            let isNew = try Self.make(part, in: parent, of: accounts)
            if isNew { changed.append(parent) }
            parent += "/" + part
        }
        for folder in Self.folders where try Self.make(folder, in: parent, of: accounts) {
            changed.append(parent)
        }
        return changed
    }

    private static func make(
        _ name: String, in parent: String, of accounts: borrowing Folder
    ) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try accounts.status(of: "\(parent)/\(name)")
            return false
        } catch  where error.code == ENOENT {
            let mode = try accounts.status(of: parent).permissions & 0o770
            try accounts.makeFolder("\(parent)/\(name)", mode: mode)
            return true
        }
    }
}
