// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct JSONParserTests {
    static let accepted: [(String, JSON)] = [
        ("null", .null), ("true", true), ("false", false),
        ("0", 0), ("-0", 0), ("+5", 5), ("42", 42), ("-7", -7),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("999999999999999999", 999_999_999_999_999_999),
        ("1000000000000000000", 1_000_000_000_000_000_000), ("0x1F", 31), ("-0xff", -255),
        ("0XAb", 171),
        ("1.5", .number(1.5)), (".5", .number(0.5)), ("5.", .number(5)),
        ("-2.5e-1", .number(-0.25)),
        ("1e3", .number(1000)), ("1E+2", .number(100)), ("0.0", .number(0)), ("0e1", .number(0)),
        ("\"\"", ""), ("\"a\"", "a"), ("'a\"b'", "a\"b"), ("\"it's\"", "it's"),
        (#""\"\\\/\b\f\n\r\t\v\0\x41\u00e4""#, "\"\\/\u{8}\u{C}\n\r\t\u{B}\0Aä"),
        (#""\ud83d\ude00\u00E9""#, "😀é"), ("\"ü€😀\"", "ü€😀"), ("\"a\\\nb\\\r\nc\"", "abc"),
        ("[]", []), ("[1,2,]", [1, 2]), ("[[],{}]", [[], [:]]), ("{}", [:]),
        ("{a:1,'b':2,\"c\":3,$_9:4,}", ["a": 1, "b": 2, "c": 3, "$_9": 4]),
        (" /* x */ [ // y\n 1 /**/ , /***/ 2 // z\r\n ] // end", [1, 2]),
        ("\u{FEFF}\u{A0}\u{2028}\u{3000}1\u{2003}", 1),
    ]

    @Test(arguments: accepted) func accepts(_ text: String, _ expected: JSON) throws {
        #expect(try JSON(parsing: text) == expected)
    }

    static let refused: [(String, JSONError.Reason, Int, Int)] = [
        ("", .unexpectedEnd(expected: "a value"), 1, 1),
        ("  // only a comment", .unexpectedEnd(expected: "a value"), 1, 20),
        ("1 2", .unexpected(found: "'2'", expected: "the end"), 1, 3),
        ("{", .unexpectedEnd(expected: "a key"), 1, 2),
        ("{\n \"a\" 1}", .unexpected(found: "'1'", expected: "':' after the key"), 2, 6),
        ("{\"a\":}", .unexpected(found: "'}'", expected: "a value"), 1, 6),
        ("{,}", .unexpected(found: "','", expected: "a key"), 1, 2),
        ("[1 2]", .unexpected(found: "'2'", expected: "',' or ']'"), 1, 4),
        ("[1,,2]", .unexpected(found: "','", expected: "a value"), 1, 4),
        ("{a:1\n b:2}", .unexpected(found: "'b'", expected: "',' or '}'"), 2, 2),
        ("{1:2}", .unexpected(found: "'1'", expected: "a key"), 1, 2),
        ("{\"ü\":1,\n'b':2,\n \"ü\":3}", .duplicateKey("ü", firstLine: 1), 3, 2),
        ("['ü', x]", .unexpected(found: "x", expected: "a value (texts need quotes)"), 1, 7),
        ("\"a\nb\"", .unclosedString, 1, 1), ("'a\"", .unclosedString, 1, 1),
        ("\n/* /* ", .unclosedComment, 2, 1),
        ("/", .unexpected(found: "'/'", expected: "a value"), 1, 1),
        (#""\q""#, .badEscape, 1, 2), (#""\u12""#, .badEscape, 1, 2), (#""\01""#, .badEscape, 1, 2),
        (#""\ud800""#, .badEscape, 1, 2), (#""\ude00""#, .badEscape, 1, 2),
        (#""\ud800A""#, .badEscape, 1, 2), (#""\xg0""#, .badEscape, 1, 2),
        ("\"\\", .badEscape, 1, 2),
        ("Infinity", .badNumber("Infinity"), 1, 1), ("-Infinity", .badNumber("-Infinity"), 1, 1),
        ("+NaN", .badNumber("+NaN"), 1, 1), ("NaN", .badNumber("NaN"), 1, 1),
        ("01", .badNumber("01"), 1, 1), ("-", .badNumber("-"), 1, 1), (".", .badNumber("."), 1, 1),
        ("1.2.3", .badNumber("1.2.3"), 1, 1), ("1e", .badNumber("1e"), 1, 1),
        ("--1", .badNumber("--1"), 1, 1),
        ("0x", .badNumber("0x"), 1, 1), ("0x-1", .badNumber("0x-1"), 1, 1),
        ("1k", .badNumber("1k"), 1, 1),
        ("00.5", .badNumber("00.5"), 1, 1), ("5e1.5", .badNumber("5e1.5"), 1, 1),
        ("9223372036854775808", .numberOutOfRange("9223372036854775808"), 1, 1),
        (
            "99999999999999999999999999999999999999999999",
            .numberOutOfRange("9999999999999999999999999999999999999999…"), 1, 1
        ),
        ("0xFFFFFFFFFFFFFFFFF", .numberOutOfRange("0xFFFFFFFFFFFFFFFFF"), 1, 1),
        ("1e999", .numberOutOfRange("1e999"), 1, 1),
        ("tru", .unexpected(found: "tru", expected: "a value (texts need quotes)"), 1, 1),
        ("\u{1}", .unexpected(found: "a control character", expected: "a value"), 1, 1),
        ("€", .unexpected(found: "'€'", expected: "a value"), 1, 1),
    ]

    @Test(arguments: refused)
    func refuses(_ text: String, _ reason: JSONError.Reason, _ line: Int, _ column: Int) {
        let expected = JSONError(reason, line: line, column: column)
        #expect(throws: expected) { try JSON(parsing: text) }
    }

    @Test func boundsSizeAndDepth() throws {
        #expect(throws: JSONError(.tooLarge(limit: 3), line: 1, column: 1)) {
            try JSON(parsing: "[12]", sizeLimit: 3)
        }
        let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        _ = try JSON(parsing: deep)
        #expect(throws: JSONError(.tooDeep(limit: 64), line: 1, column: 65)) {
            try JSON(parsing: "[\(deep)]")
        }
    }

    @Test func refusesWhatIsNoUTF8() {
        let bytes: [UInt8] = Array("{\n\"ä".utf8) + [0xFF, 0x22, 0x3A, 0x31, 0x7D]
        #expect(throws: JSONError(.invalidUTF8, line: 2, column: 3)) { try JSON(parsing: bytes) }
    }

    @Test func findsDuplicatesAmongManyKeys() throws {
        let keys = (0..<100).map { "k\($0):\($0)" }
        let object = try JSON(parsing: "{\(keys.joined(separator: ","))}")
        #expect(object["k57"]?.integer == 57)
        for again in [3, 11, 12, 99] {
            let text = "{\(keys.joined(separator: ","))\n,k\(again):1}"
            let expected = JSONError(.duplicateKey("k\(again)", firstLine: 1), line: 2, column: 2)
            #expect(throws: expected) { try JSON(parsing: text) }
        }
    }

    @Test func knowsPlaces() throws {
        let text = "// ä\n{\n  \"ö\": [1, 'x'], /* é */ b: -2,\r\n\tc: {}\r}"
        let object = try JSON(parsing: text)
        let members = try #require(object.members)
        let places = members.flatMap { [$0.keyPlace, $0.value.place] }
        #expect(
            places.map { "\($0.line):\($0.column)" } == [
                "3:3", "3:8", "3:26", "3:29", "4:2", "4:5",
            ])
        let bytes = Array(text.utf8)
        let texts = places.map { String(decoding: bytes[$0.range], as: UTF8.self) }
        #expect(texts == ["\"ö\"", "[1, 'x']", "b", "-2", "c", "{}"])
        #expect(object["ö"]?[1]?.place.column == 12)
    }

    @Test(arguments: accepted) func writesWhatItReads(_ text: String, _ value: JSON) throws {
        let read = try JSON(parsing: text)
        #expect(try JSON(parsing: read.compact) == value)
        #expect(try JSON(parsing: read.pretty) == value)
        #expect(!read.compact.contains("\n"))
    }

    @Test func writesForPeople() {
        let value: JSON = [
            "name": "a\u{1}\"b\"", "ports": [25, 465], "list": [["x": .null]], "empty": [:],
            "half": .number(0.5),
        ]
        #expect(
            value.pretty == """
                {
                    "name": "a\\u0001\\"b\\"",
                    "ports": [25, 465],
                    "list": [
                        {
                            "x": null
                        }
                    ],
                    "empty": {},
                    "half": 0.5
                }
                """)
        #expect(
            value.compact
                == #"{"name":"a\u0001\"b\"","ports":[25,465],"list":[{"x":null}],"empty":{},"half":0.5}"#
        )
    }

    @Test func namesWhatIsMissing() throws {
        let json: JSON = ["a": 1, "l": [["p": "x"], ["q": 2]]]
        #expect(throws: JSONMismatch(path: "a", expected: "a text")) { try json.string(at: "a") }
        #expect(throws: JSONMismatch(path: "l.p", expected: "a text")) {
            try json.list(at: "l") { item throws(JSONMismatch) in try item.string(at: "p") }
        }
        #expect(try json.integer(at: "a") == 1)
    }
}
