// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import TestSupport
import Testing

/// No name leads out of a folder, with openat2(2) and where systemd or a container refuses it.
@Suite struct OpenBeneathTests {
    /// A folder with a message, links to it and around it.
    private static func mailbox(in parent: TemporaryFolder) throws -> Folder {
        let path = "\(parent.path)/box"
        for folder in [path, "\(path)/new"] { mkdir(folder, 0o700) }
        for file in ["\(parent.path)/secret", "\(path)/new/letter", "\(path)/top"] {
            let file = try File(path: file, flags: O_WRONLY | O_CREAT, mode: 0o600)
            try file.write(Array("words".utf8))
        }
        symlink("../../secret", "\(path)/new/out")
        symlink("letter", "\(path)/new/link")
        symlink("new", "\(path)/linked")
        return try Folder(path)
    }

    /// A name, and the code of the error; nil where it opens.
    static let names: [(String, Int32?)] = [
        ("new/letter", nil), ("top", nil), ("new", nil), ("new/missing", ENOENT),
        ("old/letter", ENOENT),
        ("new/out", ELOOP), ("new/link", ELOOP), ("linked/letter", ELOOP), ("../secret", EXDEV),
        ("new/../../secret", EXDEV), ("/etc/passwd", EXDEV), ("top/letter", ENOTDIR),
        (String(repeating: "x", count: 256), ENAMETOOLONG),
    ]

    @Test(arguments: names) func staysBelow(name: String, code: Int32?) throws {
        let parent = TemporaryFolder()
        let box = try Self.mailbox(in: parent)
        let characters = Array(name.utf8CString)
        for steps in [false, true] {
            do throws(SystemError) {
                let file =
                    try steps
                    ? File.openBySteps(characters, in: box, path: name)
                    : File.openBeneath(characters, in: box, path: name)
                #expect(code == nil && file.path.hasSuffix(name), "steps: \(steps)")
            } catch {
                // A link in the place of a folder is "no folder" to openat(2).
                let same = error.code == code || (code == ELOOP && error.code == ENOTDIR)
                #expect(same, "steps: \(steps): \(error)")
            }
        }
    }
}
