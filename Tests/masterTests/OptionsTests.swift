// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import master

struct OptionsTests {
    @Test(arguments: [
        ([], Options.run(root: nil)), (["--root", "x"], .run(root: "x")),
        (["--root=x y"], .run(root: "x y")), (["--check"], .check(root: nil)),
        (["--check", "--root", "x"], .check(root: "x")),
        (["--root", "x", "--check"], .check(root: "x")), (["--version"], .version),
        (["--prepare"], .prepare(root: nil)), (["--root=x", "--prepare"], .prepare(root: "x")),
        (["--sockets", "a", "b", "c"], .sockets(normal: "a", early: "b")),
        (["--help"], .help), (["-h", "--rubbish"], .help),
    ])
    func understood(words: [String], options: Options) throws {
        #expect(try Options(words) == options)
    }

    @Test(arguments: [
        ["--root"], ["--root", ""], ["--rot", "x"], ["x"], ["--check=1"], [""], ["--sockets", "a"],
        ["--check", "--prepare"],
    ])
    func refused(words: [String]) {
        #expect(throws: Options.Mistake.self) { try Options(words) }
    }
}
