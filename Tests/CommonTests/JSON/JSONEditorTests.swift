// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct JSONEditorTests {
    enum Change: Sendable {
        case replace([JSONStep], JSON)
        case insert(String, JSON, [JSONStep])
        case append(JSON, [JSONStep])
        case remove([JSONStep])
    }

    static func edit(_ text: String, _ change: Change) throws -> String {
        var editor = try JSONEditor(Array(text.utf8))
        switch change {
        case .replace(let path, let value):
            #expect(try editor.replace(path, with: value))
        case .insert(let key, let value, let path):
            #expect(try editor.insert(key, value, into: path))
        case .append(let value, let path): #expect(try editor.append(value, to: path))
        case .remove(let path): #expect(try editor.remove(path))
        }
        #expect(try JSON(parsing: editor.bytes) == editor.json)
        return String(decoding: editor.bytes, as: UTF8.self)
    }

    static let replacements: [(String, Change, String)] = [
        ("1", .replace([], 2), "2"),
        ("{ a : 'x' /*c*/ , }", .replace(["a"], "y"), "{ a : \"y\" /*c*/ , }"),
        ("[1,[2,3]]", .replace([1, 0], ["k": 1]), "[1,[{\n    \"k\": 1\n},3]]"),
        (
            "{\n  u: {\n    \"ä\": {password: \"p\\u0041\"} // c\n  }}",
            .replace(["u", "ä", "password"], "$y$"),
            "{\n  u: {\n    \"ä\": {password: \"$y$\"} // c\n  }}"
        ),
    ]

    static let insertions: [(String, Change, String)] = [
        ("{}", .insert("a", 1, []), "{\n    \"a\": 1\n}"),
        ("{ // none yet\n}", .insert("a", 1, []), "{\n    \"a\": 1 // none yet\n}"),
        ("{\"a\":1}", .insert("b", 2, []), "{\"a\":1, \"b\": 2}"),
        ("{\"a\":1, }", .insert("b", 2, []), "{\"a\":1, \"b\": 2, }"),
        ("{\n  a: 1\n}\n", .insert("b", 2, []), "{\n  a: 1,\n  \"b\": 2\n}\n"),
        ("{\n  a: 1,\n}\n", .insert("b", 2, []), "{\n  a: 1,\n  \"b\": 2,\n}\n"),
        ("{\n\ta: 1 // x\n}", .insert("b", 2, []), "{\n\ta: 1, // x\n\t\"b\": 2\n}"),
        (
            "{\n\ta: 1, // x\n\t// y\n}", .insert("b", 2, []),
            "{\n\ta: 1, // x\n\t\"b\": 2,\n\t// y\n}"
        ),
        ("{a: 1 // x\n}", .insert("b", 2, []), "{a: 1, // x\n\"b\": 2\n}"),
        ("{\n a: 1\n , }", .insert("b", 2, []), "{\n a: 1\n ,\n \"b\": 2, }"),
        ("{\r\n  a: 1\r\n}", .insert("b", 2, []), "{\r\n  a: 1,\r\n  \"b\": 2\r\n}"),
        (
            "{\n  users: {\n    x: {} /* // */\n  }\n}", .insert("y", ["p": ["r"]], ["users"]),
            "{\n  users: {\n    x: {}, /* // */\n    \"y\": {\n        \"p\": [\"r\"]\n    }\n  }\n}"
        ),
        ("{\n  l: [1, 2]\n}", .append(3, ["l"]), "{\n  l: [1, 2, 3]\n}"),
        ("[\n  1 // one\n]", .append(2, []), "[\n  1, // one\n  2\n]"),
        ("{\n  l: []\n}", .append("x", ["l"]), "{\n  l: [\n      \"x\"\n  ]\n}"),
    ]

    static let removals: [(String, Change, String)] = [
        ("{a: 1}", .remove(["a"]), "{}"),
        ("{a: 1, b: 2}", .remove(["a"]), "{b: 2}"),
        ("{a: 1, b: 2}", .remove(["b"]), "{a: 1}"),
        ("{a: 1, b: 2, }", .remove(["b"]), "{a: 1, }"),
        (
            "{\n  // first\n  a: 1, // x\n  // second\n  b: 2 // y\n}", .remove(["a"]),
            "{\n  // first\n  // second\n  b: 2 // y\n}"
        ),
        (
            "{\n  // first\n  a: 1, // x\n  // second\n  b: 2 // y\n}", .remove(["b"]),
            "{\n  // first\n  a: 1 // x\n  // second\n}"
        ),
        ("{\n  a: {\n    z: 1\n  },\n  b: 2\n}", .remove(["a"]), "{\n  b: 2\n}"),
        ("[1, 2, 3]", .remove([1]), "[1, 3]"), ("[1]", .remove([0]), "[]"),
        ("{l: ['a',\n'b']}", .remove(["l", 1]), "{l: ['a'\n]}"),
    ]

    @Test(arguments: replacements + insertions + removals)
    func changesOneValueOnly(_ before: String, _ change: Change, _ after: String) throws {
        #expect(try Self.edit(before, change) == after)
    }

    @Test func leavesWhatIsNotThere() throws {
        var editor = try JSONEditor(Array("{a: [1]} // x".utf8))
        #expect(try !editor.replace(["b"], with: 1))
        #expect(try !editor.replace(["a", 1], with: 1))
        #expect(try !editor.insert("x", 1, into: ["a"]))
        #expect(try !editor.append(1, to: []))
        #expect(try !editor.remove(["a", 1]))
        #expect(try !editor.remove([]))
        #expect(String(decoding: editor.bytes, as: UTF8.self) == "{a: [1]} // x")
    }

    /// Every insertion can be taken back without a trace of it in what the text means.
    @Test(arguments: insertions.map(\.0) + removals.map(\.0))
    func takesBackWhatItAdds(_ text: String) throws {
        var editor = try JSONEditor(Array(text.utf8))
        let before = editor.json
        guard before.members != nil else { return }
        #expect(try editor.insert("new", ["x": [1, 2]]))
        #expect(editor.json["new"]?["x"] == [1, 2])
        #expect(try editor.remove(["new"]))
        #expect(editor.json == before)
    }
}
