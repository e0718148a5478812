// SPDX-License-Identifier: Apache-2.0
import Common
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

    @Test func theManualNamesEveryOptionAndNoOther() throws {
        func options(_ text: some StringProtocol, begin: String) -> Set<String> {
            Set(
                text.split { " \n|[],".contains($0) }.filter { $0.hasPrefix(begin) }
                    .map { String($0.dropFirst(begin.count)) })
        }
        let checkout = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let bytes = try File(path: "\(checkout)/docs/man/master.8").readAll()
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let page = lines.map { $0.replacing("Fl -", with: "--") }.joined(separator: "\n")
        let named = options(page, begin: "--")
        #expect(named == options(Options.helpText, begin: "--"))
        #expect(named.count == 6)
    }

    @Test(arguments: [
        ["--root"], ["--root", ""], ["--rot", "x"], ["x"], ["--check=1"], [""], ["--sockets", "a"],
        ["--check", "--prepare"],
    ])
    func refused(words: [String]) {
        #expect(throws: Options.Mistake.self) { try Options(words) }
    }
}
