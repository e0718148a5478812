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
    /// - Throws: `SystemError` of openat(2), mkdirat(2) or renameat(2); ENOENT when the message is not there.
    static func keep(
        _ path: MessagePath, of place: borrowing Folder, in maildir: borrowing Folder
    ) throws(SystemError) {
        do throws(SystemError) {
            try move(path, of: place, to: Folder(folder, in: maildir))
        } catch  where error.code == ENOENT {
            try maildir.makeFolder(folder, mode: 0o770)
            try move(path, of: place, to: Folder(folder, in: maildir))
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
            old.append(name.map { CChar(bitPattern: $0) } + [0])
        }
        if old.isEmpty { return }
        let trash = try Folder(folder, in: maildir)
        let number = trash.number
        for name in old {
            try check("unlinkat", on: trash.path) { unlinkat(number, name, 0) }
        }
    }

    private static func move(
        _ path: MessagePath, of place: borrowing Folder, to trash: borrowing Folder
    ) throws(SystemError) {
        let target =
            Array("\(WallClock.seconds),".utf8).map(CChar.init)
            + path.characters.dropFirst(path.place.folder.utf8.count + 1)
        let (from, into) = (place.number, trash.number)
        try check("renameat", on: "\(place.path)/\(path.text) to \(trash.path)") {
            path.withName { renameat(from, $0, into, target) }
        }
    }
}
