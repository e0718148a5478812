// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail

/// Where deleted messages wait for their end, if the operator wants that: `pop3.trash` in the Maildir.
///
/// A kept message is `<seconds>,<old name>`, the seconds being those of its deletion; moving it back into `new`
/// without them undoes the deletion. What is old enough goes when the account's next session deletes something.
nonisolated enum Trash {
    static let folder = "pop3.trash"

    /// Moves a message aside.
    ///
    /// - Throws: `SystemError` of mkdirat(2) or renameat(2); ENOENT when the message is not there.
    static func keep(_ path: MessagePath, in maildir: borrowing Folder) throws(SystemError) {
        let name = path.characters.dropFirst(4)
        let target = Array("\(folder)/\(WallClock.seconds),".utf8).map(CChar.init) + name
        do throws(SystemError) {
            try rename(path, to: target, in: maildir)
        } catch  where error.code == ENOENT {
            try maildir.makeFolder(folder, mode: 0o770)
            try rename(path, to: target, in: maildir)
        }
    }

    /// Removes for good what was deleted more than so many days ago.
    ///
    /// - Throws: `SystemError` of readdir(3) or unlinkat(2).
    static func sweep(olderThan days: Double, in maildir: borrowing Folder) throws(SystemError) {
        let limit = WallClock.seconds - Int(days * 86_400)
        var old: [[CChar]] = []
        try forEachFile(in: folder, of: maildir) { name in
            let digits = String(decoding: name.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)
            guard let deleted = Int(digits), deleted < limit else { return }
            old.append(
                Array("\(folder)/".utf8).map(CChar.init) + name.map { CChar(bitPattern: $0) } + [0])
        }
        let number = maildir.number
        for path in old {
            try check("unlinkat", on: "\(maildir.path)/\(folder)") { unlinkat(number, path, 0) }
        }
    }

    private static func rename(
        _ path: MessagePath, to target: [CChar], in maildir: borrowing Folder
    ) throws(SystemError) {
        let number = maildir.number
        try check("renameat", on: "\(maildir.path)/\(path.text) to \(folder)") {
            renameat(number, path.characters, number, target)
        }
    }
}
