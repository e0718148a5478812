// SPDX-License-Identifier: Apache-2.0

/// Understands the client's lines: a keyword in any case, then arguments after single spaces (RFC 1939 §3).
enum CommandParser {
    /// The command of a line, which comes without its CRLF.
    static func parse(_ line: [UInt8]) throws(SyntaxError) -> Command {
        let end = line.firstIndex(of: space) ?? line.endIndex
        let keyword = String(decoding: line[..<end], as: UTF8.self).uppercased()
        let rest = end == line.endIndex ? nil : line[(end + 1)...]
        // A password may hold spaces, also at its ends (RFC 1939 §7, PASS).
        if keyword == "PASS" {
            guard let rest, !rest.isEmpty else { throw .argumentMissing }
            return .pass(Array(rest))
        }
        // Everywhere else a space at the end is a client's slip.
        let argument = trimmed(rest)
        switch keyword {
        case "USER":
            // The whole rest: user names with spaces exist.
            guard let argument else { throw .argumentMissing }
            return .user(Array(argument))
        case "APOP": return .apop
        case "AUTH": return try auth(argument)
        case "LIST":
            return .list(try argument.map { number throws(SyntaxError) in try self.number(number) })
        case "UIDL":
            return .uidl(try argument.map { number throws(SyntaxError) in try self.number(number) })
        case "RETR": return .retr(try number(argument))
        case "DELE": return .dele(try number(argument))
        case "TOP": return try top(argument)
        case "LANG": return .lang(argument.map(Array.init))
        default: break
        }
        guard let command = plain[keyword] else { throw .unknownCommand }
        guard argument == nil else { throw .argumentUnexpected }
        return command
    }

    private static let plain: [String: Command] = [
        "STAT": .stat, "NOOP": .noop, "RSET": .rset, "LAST": .last, "QUIT": .quit, "CAPA": .capa,
        "STLS": .stls, "UTF8": .utf8,
    ]

    private static let space = UInt8(ascii: " ")

    private static func trimmed(_ argument: ArraySlice<UInt8>?) -> ArraySlice<UInt8>? {
        guard var argument else { return nil }
        while argument.last == space { argument.removeLast() }
        while argument.first == space { argument.removeFirst() }
        return argument.isEmpty ? nil : argument
    }

    /// `AUTH`, `AUTH mechanism`, `AUTH mechanism initial-response` (RFC 5034 §4).
    private static func auth(_ argument: ArraySlice<UInt8>?) throws(SyntaxError) -> Command {
        // Without an argument: old clients ask for the list so (RFC 1734's drafts, Outlook).
        guard let argument else { return .authList }
        let words = argument.split(separator: space)
        guard words.count <= 2 else { throw .argumentUnexpected }
        return .auth(
            mechanism: Array(words[0]), initialResponse: words.count == 2 ? Array(words[1]) : nil)
    }

    private static func top(_ argument: ArraySlice<UInt8>?) throws(SyntaxError) -> Command {
        guard let argument else { throw .argumentMissing }
        let words = argument.split(separator: space)
        guard words.count >= 2 else { throw .argumentMissing }
        guard words.count == 2 else { throw .argumentUnexpected }
        return .top(try number(words[0]), lines: try number(words[1]))
    }

    /// Digits only; what no message number can be becomes one that no message has.
    private static func number(_ text: ArraySlice<UInt8>?) throws(SyntaxError) -> Int {
        guard let text else { throw .argumentMissing }
        var value = 0
        for digit in text {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { throw .notANumber }
            value = min(value * 10 + Int(digit - UInt8(ascii: "0")), Int(Int32.max))
        }
        return value
    }
}
