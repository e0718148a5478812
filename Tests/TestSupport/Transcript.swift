// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What a transcript is played to: a session with the little world around it that its steps need.
package protocol TranscriptSubject {
    /// Takes bytes of the client.
    mutating func receive(_ bytes: [UInt8])
    /// What the server says now, effects shown as lines of their own such as "(closed)".
    mutating func output() -> [UInt8]
    /// Lets something happen that is neither client nor server; the words are the subject's own.
    mutating func occur(_ words: [String])
}

/// A dialogue in a file of Tests/Transcripts, which any session can be held against.
///
///     # a comment
///     C: what the client says; CRLF is added
///     C| the same without CRLF
///     S: what the server must say; <*> at the end stands for any rest of the line
///     ! words for the subject
///     --
///
/// `\r \n \0 \t \\ \xNN` are escapes in C and S lines, and `\*N{text}` is the text N times. All C lines up to `--` or `!` go in together or byte by
/// byte, and all S lines up to there must have come then: no more, no less.
package struct Transcript: Sendable, CustomStringConvertible {
    /// What is played without waiting, and what must have been said after it.
    private struct Part {
        var event: [String] = []
        var client: [UInt8] = []
        var server: [String] = []
    }

    private let name: String
    private let parts: [Part]

    package var description: String { name }

    /// All transcripts in a folder of Tests/Transcripts, by name.
    ///
    /// - Parameters:
    ///   - folder: Such as "pop3".
    ///   - file: Leave it as it is.
    /// - Returns: None when the folder is not there.
    package static func all(in folder: String, file: StaticString = #filePath) -> [Transcript] {
        let here = "\(file)".split(separator: "/").dropLast(2).joined(separator: "/")
        let path = "/\(here)/Transcripts/\(folder)"
        guard let listing = opendir(path) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".txt") { names.append(name) }
        }
        return names.sorted().map { Transcript(name: $0, text: contents("\(path)/\($0)")) }
    }

    /// A transcript from its text.
    package init(name: String, text: String) {
        self.name = name
        var parts = [Part()]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let rest = String(line.dropFirst(line.hasPrefix("! ") ? 2 : 3))
            switch line.prefix(2) {
            case "C:": parts[parts.count - 1].client += Self.unescaped(rest) + [13, 10]
            case "C|": parts[parts.count - 1].client += Self.unescaped(rest)
            case "S:":
                parts[parts.count - 1].server.append(
                    String(decoding: Self.unescaped(rest), as: UTF8.self))
            case "! ":
                var part = Part()
                part.event = rest.split(separator: " ").map(String.init)
                parts.append(part)
            case "--": parts.append(Part())
            default: precondition(line.isEmpty || line.hasPrefix("#"), "\(name): \(line)")
            }
        }
        // A file that begins with an event has nothing before it.
        self.parts = parts.filter {
            !$0.event.isEmpty || !$0.client.isEmpty || !$0.server.isEmpty
        }
    }

    /// Plays it.
    ///
    /// - Parameters:
    ///   - subject: Fresh.
    ///   - size: So many bytes at a time; nil for all that belong together at once.
    /// - Returns: What went differently; empty when nothing did.
    package func play(to subject: inout some TranscriptSubject, inPiecesOf size: Int?) -> [String] {
        var differences: [String] = []
        for part in parts {
            if !part.event.isEmpty { subject.occur(part.event) }
            var said = subject.output()
            var rest = part.client[...]
            while !rest.isEmpty {
                subject.receive(Array(rest.prefix(size ?? rest.count)))
                rest = rest.dropFirst(size ?? rest.count)
                said += subject.output()
            }
            differences += Self.differences(said, part.server)
        }
        return differences
    }

    private static func differences(_ said: [UInt8], _ expected: [String]) -> [String] {
        let text = String(decoding: said, as: UTF8.self)
        // By bytes: to Swift, CR and LF together are one character.
        var lines = text.utf8.split(separator: 10, omittingEmptySubsequences: false).map { line in
            line.last == 13 ? String(Substring(line.dropLast())) : "\(Substring(line))(no CR)"
        }
        if lines.last == "(no CR)" { lines.removeLast() }
        var differences: [String] = []
        for index in 0..<max(lines.count, expected.count) {
            let found = index < lines.count ? lines[index] : "(nothing)"
            let wanted = index < expected.count ? expected[index] : "(nothing)"
            if wanted.hasSuffix("<*>"), found.hasPrefix(wanted.dropLast(3)) { continue }
            if found != wanted { differences.append("said \(found), expected \(wanted)") }
        }
        return differences
    }

    private static func unescaped(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else {
                bytes.append(byte)
                continue
            }
            switch next {
            case UInt8(ascii: "r"): bytes.append(13)
            case UInt8(ascii: "n"): bytes.append(10)
            case UInt8(ascii: "t"): bytes.append(9)
            case UInt8(ascii: "0"): bytes.append(0)
            case UInt8(ascii: "x"):
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                rest = rest.dropFirst(2)
                bytes.append(UInt8(digits, radix: 16) ?? 0)
            case UInt8(ascii: "*"):
                let digits = rest.prefix { $0 != UInt8(ascii: "{") }
                let inner = rest.dropFirst(digits.count + 1).prefix { $0 != UInt8(ascii: "}") }
                rest = rest.dropFirst(digits.count + inner.count + 2)
                let once = unescaped(String(decoding: inner, as: UTF8.self))
                let count = Int(String(decoding: digits, as: UTF8.self)) ?? 0
                for _ in 0..<count { bytes += once }
            default: bytes.append(next)
            }
        }
        return bytes
    }

    private static func contents(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }
}
