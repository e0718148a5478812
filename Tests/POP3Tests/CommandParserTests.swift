// SPDX-License-Identifier: Apache-2.0
@testable import POP3
import Testing

@Suite struct CommandParserTests {
    static let good: [(line: String, command: Command)] = [
        ("USER tim", .user(bytes("tim"))),
        ("user tim ", .user(bytes("tim"))),
        ("USER Tim O'Reilly", .user(bytes("Tim O'Reilly"))),
        ("PASS x", .pass(bytes("x"))),
        ("PASS  two  spaces ", .pass(bytes(" two  spaces "))),
        ("Pass \u{E4}", .pass(bytes("\u{E4}"))),
        ("APOP tim c4c9334bac560ecc979e58001b3e22fb", .apop),
        ("AUTH", .authList),
        ("AUTH ", .authList),
        ("AUTH PLAIN", .auth(mechanism: bytes("PLAIN"), initialResponse: nil)),
        ("AUTH PLAIN =", .auth(mechanism: bytes("PLAIN"), initialResponse: bytes("="))),
        ("STLS", .stls), ("UTF8", .utf8), ("CAPA", .capa), ("QUIT", .quit), ("quit ", .quit),
        ("STAT", .stat), ("NOOP", .noop), ("RSET", .rset), ("LAST", .last),
        ("LIST", .list(nil)), ("LIST 1", .list(1)), ("LIST  1 ", .list(1)), ("LIST 007", .list(7)),
        ("UIDL", .uidl(nil)), ("UIDL 2", .uidl(2)),
        ("RETR 3", .retr(3)), ("RETR 0", .retr(0)), ("DELE 4", .dele(4)),
        ("RETR 99999999999999999999999999", .retr(Int(Int32.max))),
        ("TOP 1 0", .top(1, lines: 0)), ("TOP 1 10", .top(1, lines: 10)),
        ("TOP  1  10 ", .top(1, lines: 10)),
        ("LANG", .lang(nil)), ("LANG *", .lang(bytes("*"))), ("lang en-GB", .lang(bytes("en-GB"))),
    ]

    static let bad: [(line: String, error: SyntaxError)] = [
        ("", .unknownCommand), (" ", .unknownCommand), ("EHLO x", .unknownCommand),
        (" STAT", .unknownCommand), ("STAT\0", .unknownCommand), ("\u{FF}", .unknownCommand),
        ("STAT 1", .argumentUnexpected), ("QUIT now", .argumentUnexpected),
        ("STLS x", .argumentUnexpected), ("CAPA x", .argumentUnexpected),
        ("USER", .argumentMissing), ("USER ", .argumentMissing),
        ("PASS", .argumentMissing), ("PASS ", .argumentMissing),
        ("RETR", .argumentMissing), ("DELE ", .argumentMissing), ("TOP", .argumentMissing),
        ("TOP 1", .argumentMissing), ("TOP 1 2 3", .argumentUnexpected),
        ("RETR x", .notANumber), ("RETR -1", .notANumber), ("RETR +1", .notANumber),
        ("RETR 1 2", .notANumber), ("LIST 1.5", .notANumber), ("LIST 0x1", .notANumber),
        ("TOP 1 -1", .notANumber), ("TOP a 1", .notANumber), ("UIDL \u{661}", .notANumber),
        ("AUTH PLAIN a b", .argumentUnexpected),
    ]

    @Test(arguments: good) func understood(_ row: (line: String, command: Command)) throws {
        #expect(try CommandParser.parse(bytes(row.line)) == row.command)
    }

    @Test(arguments: bad) func refused(_ row: (line: String, error: SyntaxError)) {
        #expect(throws: row.error) { try CommandParser.parse(bytes(row.line)) }
    }

    @Test func nothingPrintsThePassword() throws {
        for line in ["PASS tanstaaf", "AUTH PLAIN tanstaaf"] {
            let command = try CommandParser.parse(bytes(line))
            var text = "\(command) \(String(reflecting: command))"
            dump(command, to: &text)
            #expect(!text.contains("tanstaaf"))
            #expect(!text.contains("116"))
        }
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
