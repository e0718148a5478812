// SPDX-License-Identifier: Apache-2.0

/// What another server answered: a code and lines of text, as RFC 5321 §4.2.1 puts them.
package struct PeerReply: Equatable, Sendable {
    /// 200 to 599.
    package let code: Int
    /// The text after the code, one element a line; octets outside printable ASCII are `?`.
    package let lines: [String]

    package init(code: Int, lines: [String]) {
        self.code = code
        self.lines = lines
    }

    /// The first digit, which alone says what became of the command (RFC 5321 §4.2.1).
    package var severity: Severity {
        switch code / 100 {
        case 2: .positive
        case 3: .intermediate
        case 4: .temporary
        default: .permanent
        }
    }

    /// What the first digit of a code means.
    package enum Severity: Equatable, Sendable {
        case positive, intermediate, temporary, permanent
    }

    /// The whole reply on one line, for logs and reports.
    package var text: String {
        lines.isEmpty || lines == [""] ? "\(code)" : "\(code) \(lines.joined(separator: " "))"
    }
}

/// Why a peer's answer is none.
package enum ReplyError: Error, Equatable, Sendable {
    /// A line without a code, or one whose code differs from the lines before.
    case malformed(String)
    /// More lines or longer ones than any honest server sends.
    case tooLong
}

/// Makes replies of the bytes that a peer sends, in bounded memory.
///
/// A bare LF ends a line as well: unlike a client's commands, replies carry nothing that could be smuggled, and
/// old servers send it.
package struct ReplyParser: Sendable {
    /// The most octets of one line; RFC 5321 §4.5.3.1.5 allows 512.
    package static let lineLimit = 4096
    /// The most lines of one reply.
    package static let linesLimit = 256
    /// How many octets of all its lines together are kept.
    package static let textLimit = 16_384

    private var buffer: [UInt8] = []
    private var start = 0
    private var scanned = 0
    private var code: Int?
    private var lines: [String] = []
    private var kept = 0

    package init() {}

    /// Adds what was received.
    package mutating func append(_ bytes: borrowing Span<UInt8>) {
        bytes.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
    }

    /// Whether there is input that no reply was made of yet.
    package var hasPending: Bool { start < buffer.count || code != nil }

    /// The next whole reply, or nil until more bytes come.
    ///
    /// - Throws: `ReplyError`; the connection is of no use any more.
    package mutating func next() throws(ReplyError) -> PeerReply? {
        while let line = try nextLine() {
            if let reply = try add(line) { return reply }
        }
        return nil
    }

    private mutating func add(_ line: ArraySlice<UInt8>) throws(ReplyError) -> PeerReply? {
        guard let (code, isLast) = Self.head(of: line) else {
            throw .malformed(Self.printable(line.prefix(128)))
        }
        if let earlier = self.code, earlier != code {
            throw .malformed("\(earlier) continued by \(Self.printable(line.prefix(128)))")
        }
        guard lines.count < Self.linesLimit else { throw .tooLong }
        let text = line.dropFirst(4).prefix(Self.textLimit - kept)
        kept += text.count
        lines.append(Self.printable(text))
        self.code = code
        guard isLast else { return nil }
        defer {
            self.code = nil
            lines = []
            kept = 0
        }
        return PeerReply(code: code, lines: lines)
    }

    /// The code of a line and whether the line is the reply's last; nil when it has none.
    private static func head(of line: ArraySlice<UInt8>) -> (code: Int, isLast: Bool)? {
        guard line.count >= 3 else { return nil }
        var code = 0
        for octet in line.prefix(3) {
            guard octet >= UInt8(ascii: "0"), octet <= UInt8(ascii: "9") else { return nil }
            code = code * 10 + Int(octet - UInt8(ascii: "0"))
        }
        guard (200...599).contains(code) else { return nil }
        guard line.count > 3 else { return (code, true) }
        switch line[line.startIndex + 3] {
        case UInt8(ascii: " "): return (code, true)
        case UInt8(ascii: "-"): return (code, false)
        default: return nil
        }
    }

    private mutating func nextLine() throws(ReplyError) -> ArraySlice<UInt8>? {
        while scanned < buffer.count {
            guard buffer[scanned] == 0x0A else {
                scanned += 1
                if scanned - start > Self.lineLimit { throw .tooLong }
                continue
            }
            var end = scanned
            if end > start, buffer[end - 1] == 0x0D { end -= 1 }
            let line = buffer[start..<end]
            scanned += 1
            start = scanned
            return line
        }
        // All complete lines are taken: what remains is short.
        buffer.removeFirst(start)
        scanned -= start
        start = 0
        return nil
    }

    /// Text for logs, JSON and reports: a peer's control characters must not reach a terminal or a header.
    private static func printable(_ octets: ArraySlice<UInt8>) -> String {
        var cleaned = octets.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
        // RFC 6531 §3.7.4.2 allows UTF-8 in replies; anything else above ASCII is nobody's.
        if String(validating: cleaned, as: UTF8.self) == nil {
            cleaned = cleaned.map { $0 > 0x7E ? UInt8(ascii: "?") : $0 }
        }
        return String(decoding: cleaned, as: UTF8.self)
    }
}
