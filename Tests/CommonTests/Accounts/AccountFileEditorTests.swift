// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Common

@Suite struct AccountFileEditorTests {
    /// A group.json in a folder of its own, gone at the end.
    private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
        let name = "/tmp/wmail-accounts-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        try #require(mkdir(name, 0o700) == 0)
        let path = "\(name)/group.json"
        defer {
            unlink(path)
            rmdir(name)
        }
        let file = try File(path: path, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o640)
        try file.write(Array(text.utf8))
        try file.setMode(0o640)
        try body(path)
        #expect(try Folder(name, listable: true).names() == ["group.json"])
    }

    private func contents(_ path: String) throws -> String {
        String(decoding: try File(path: path).readAll(), as: UTF8.self)
    }

    @Test func replacesPasswordsAndNothingElse() throws {
        let text = """
            { // our people
              "users": {
                "bob":  { password: 'plain', /* old */ permissions: ["receive"] },
                "eve":  { password: "other" }, "x": {},
              },
              bindDomains: [ 'example.org' ]
            }
            """
        try withFile(text) { path in
            let inode = try File(path: path).status().inode
            let replaced = try AccountFileEditor.replacePasswords(
                [
                    "bob": (plain: "plain", hash: "$y$j9T$abc"),
                    "eve": (plain: "older", hash: "$6$"),
                    "x": (plain: "", hash: "$6$"), "nobody": (plain: "a", hash: "b"),
                ], inFileAt: path)
            #expect(replaced == ["bob"])
            let expected = text.split(separator: "'plain'").joined(separator: "\"$y$j9T$abc\"")
            #expect(try contents(path) == expected)
            let status = try File(path: path).status()
            #expect(status.permissions == 0o640 && status.inode != inode)
        }
    }

    @Test func writesNothingWithoutChange() throws {
        try withFile("{users: {}}") { path in
            let inode = try File(path: path).status().inode
            #expect(try AccountFileEditor.replacePasswords([:], inFileAt: path).isEmpty)
            #expect(try File(path: path).status().inode == inode)
        }
    }

    @Test func waitsForOthers() throws {
        try withFile("{users: {a: {password: 'x'}}}") { path in
            let other = try File(path: path, flags: O_RDWR)
            #expect(try other.tryLock())
            #expect(throws: AccountFileError.busy) {
                try AccountFileEditor.edit(path) { editor throws(JSONError) in
                    try editor.remove(["users"])
                }
            }
            #expect(try contents(path) == "{users: {a: {password: 'x'}}}")
        }
    }

    @Test func leavesABrokenFileAlone() throws {
        try withFile("{users: ") { path in
            let expected = AccountFileError.text(
                JSONError(.unexpectedEnd(expected: "a value"), line: 1, column: 9))
            #expect(throws: expected) {
                try AccountFileEditor.replacePasswords([:], inFileAt: path)
            }
            let left = try contents(path)
            #expect(left == "{users: ")
        }
    }
}
