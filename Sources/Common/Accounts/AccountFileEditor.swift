// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why a `group.json` could not be changed; it is as it was.
package enum AccountFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process is changing it at this moment; try again soon.
    case busy
    case system(SystemError)
    /// Somebody has edited it meanwhile and made a mistake.
    case text(JSONError)

    /// For messages and the log.
    package var description: String {
        switch self {
        case .busy: "another process is changing the file"
        case .system(let error): error.description
        case .text(let error): error.description
        }
    }
}

/// Changes a `group.json` that people edit too: under a lock, atomically, and leaving everything else as they wrote it.
package enum AccountFileEditor {
    /// Puts hashes in the place of plain passwords.
    ///
    /// A password that has been changed meanwhile stays as it is.
    ///
    /// - Parameters:
    ///   - hashes: For each user the password as it was read, and its hash.
    ///   - path: The `group.json`.
    /// - Returns: The users whose password is a hash now.
    /// - Throws: Why the file is unchanged.
    package static func replacePasswords(
        _ hashes: [String: (plain: String, hash: String)], inFileAt path: String
    ) throws(AccountFileError) -> [String] {
        var replaced: [String] = []
        try edit(path) { editor throws(JSONError) in
            for (user, password) in hashes.sorted(by: { $0.key < $1.key })
            where editor.json["users"]?[user]?["password"]?.string == password.plain {
                try editor.replace(
                    ["users", .key(user), "password"], with: .string(password.hash))
                replaced.append(user)
            }
        }
        return replaced
    }

    /// Changes a JSON file of the operator's; nothing is written when `change` changes nothing.
    ///
    /// The new text is durable and has the owner, group and mode of the old one before it takes its name.
    ///
    /// - Throws: Why the file is unchanged.
    package static func edit(
        _ path: String, _ change: (inout JSONEditor) throws(JSONError) -> Void
    ) throws(AccountFileError) {
        let slash = path.lastIndex(of: "/")
        let folderPath = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        let folder = try system { () throws(SystemError) in try Folder(folderPath) }
        let file = try system { () throws(SystemError) in
            try File(name, in: folder, flags: O_RDWR)
        }
        guard try system({ () throws(SystemError) in try file.tryLock() }) else { throw .busy }
        let status = try system { () throws(SystemError) in try file.status() }
        let named = try system { () throws(SystemError) in try folder.status(of: name) }
        // Between opening and locking another editor may have put a new file in this one's place.
        guard named.inode == status.inode, named.device == status.device else { throw .busy }
        let old = try system { () throws(SystemError) in try file.readAll() }
        let new: [UInt8]
        do throws(JSONError) {
            var editor = try JSONEditor(old)
            try change(&editor)
            new = editor.bytes
        } catch {
            throw .text(error)
        }
        if new == old { return }
        try system { () throws(SystemError) in
            try replace(name, in: folder, with: new, like: status)
        }
    }

    private static func replace(
        _ name: String, in folder: borrowing Folder, with text: [UInt8], like old: FileStatus
    ) throws(SystemError) {
        let draft =
            ".\(name).\(String(randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }, radix: 36))"
        let file = try File(draft, in: folder, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        do throws(SystemError) {
            let number = file.number
            // Before the contents, so that no right is ever wider than it was. Nobody but root may give a file
            // away; for others the owner is the same anyway, and a group that is not theirs is left out.
            if fchown(number, old.owner, old.group) != 0, errno != EPERM {
                throw SystemError("fchown", on: file.path)
            }
            try file.setMode(old.permissions)
            try file.write(text)
            try file.synchronize()
            try folder.rename(draft, to: name, in: folder)
        } catch {
            do throws(SystemError) {
                try folder.unlink(draft)
            } catch {
                Log.write(.warning, "accounts.draft-left", ["error": error])
            }
            throw error
        }
        try folder.synchronize()
    }

    private static func system<Value: ~Copyable>(
        _ body: () throws(SystemError) -> Value
    ) throws(AccountFileError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .system(error)
        }
    }
}
