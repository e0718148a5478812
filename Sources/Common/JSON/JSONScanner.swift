// SPDX-License-Identifier: Apache-2.0

/// Walks over a text octet by octet, knows the line and column, and steps over spaces and comments.
struct JSONScanner {
    /// Checked to be UTF-8.
    let bytes: [UInt8]
    /// The next octet to look at.
    private(set) var offset = 0
    private(set) var line = 1
    /// Where the line begins.
    private var lineStart = 0
    /// Octets of the line so far that begin no Unicode scalar.
    private var continuations = 0

    /// Takes the text if it is UTF-8 and not too long; a byte-order mark counts as space.
    init(_ bytes: [UInt8], limit: Int) throws(JSONError) {
        self.bytes = bytes
        if bytes.count > limit { throw JSONError(.tooLarge(limit: limit), line: 1, column: 1) }
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            skip(to: error.byteOffsets.lowerBound)
            throw failure(.invalidUTF8)
        }
    }

    var column: Int { offset - lineStart - continuations + 1 }

    /// The next octet, or `nil` at the end of the text.
    var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    /// An error at the current place.
    func failure(_ reason: JSONError.Reason) -> JSONError {
        JSONError(reason, line: line, column: column)
    }

    /// Steps over one octet.
    mutating func skip() {
        let byte = bytes[offset]
        offset += 1
        if byte == UInt8(ascii: "\n") || (byte == UInt8(ascii: "\r") && next != UInt8(ascii: "\n"))
        {
            line += 1
            lineStart = offset
            continuations = 0
        } else if byte & 0xC0 == 0x80 {
            continuations += 1
        }
    }

    /// Steps forward up to an offset.
    mutating func skip(to end: Int) {
        while offset < end { skip() }
    }

    /// Steps over octets that are all printable ASCII: no line ends and no long scalars among them.
    mutating func skipPlain(_ count: Int) {
        offset += count
    }

    /// Where the run of printable ASCII that begins here ends: at a quote, a backslash or any other octet.
    func endOfPlainRun(quote: UInt8) -> Int {
        bytes.withUnsafeBufferPointer { buffer in
            var index = offset
            while index < buffer.count {
                let byte = buffer[index]
                if byte < 0x20 || byte >= 0x7F || byte == quote || byte == UInt8(ascii: "\\") {
                    break
                }
                index += 1
            }
            return index
        }
    }

    /// The text of a range, which is known to be UTF-8.
    func text(_ range: Range<Int>) -> String {
        bytes.withUnsafeBufferPointer {
            String(decoding: UnsafeBufferPointer(rebasing: $0[range]), as: UTF8.self)
        }
    }

    /// Whether the text goes on with these characters here.
    func isAt(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { wanted in
            guard offset + wanted.count <= bytes.count else { return false }
            return wanted.indices.allSatisfy { bytes[offset + $0] == wanted[$0] }
        }
    }

    /// Steps over spaces, line ends and comments.
    mutating func skipTrivia() throws(JSONError) {
        while let byte = next {
            switch byte {
            case 0x21...0x2E, 0x30...0x7E: return
            case 0x20: skipPlain(1)
            case 0x09...0x0D: skip()
            case UInt8(ascii: "/"):
                guard isAt("//") || isAt("/*") else { return }
                try skipComment()
            case 0x80...:
                let length = foreignSpaceLength
                if length == 0 { return }
                skip(to: offset + length)
            default: return
            }
        }
    }

    /// Steps over the comment that begins here; a `//` comment ends before its line end.
    mutating func skipComment() throws(JSONError) {
        if isAt("//") {
            while let byte = next, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { skip() }
            return
        }
        let open = failure(.unclosedComment)
        skipPlain(2)
        while !isAt("*/") {
            if next == nil { throw open }
            skip()
        }
        skipPlain(2)
    }

    /// Octets of the space outside ASCII that stands here (JSON5 §8: category Zs, U+2028, U+2029, U+FEFF).
    private var foreignSpaceLength: Int {
        if isAt("\u{A0}") { return 2 }
        guard offset + 3 <= bytes.count else { return 0 }
        switch (bytes[offset], bytes[offset + 1], bytes[offset + 2]) {
        case (0xEF, 0xBB, 0xBF), (0xE1, 0x9A, 0x80), (0xE3, 0x80, 0x80): return 3
        case (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xA8...0xA9), (0xE2, 0x80, 0xAF): return 3
        case (0xE2, 0x81, 0x9F): return 3
        default: return 0
        }
    }

    /// What stands here, for an error message.
    var found: String {
        guard let byte = next else { return "the end" }
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { return "a line end" }
        if byte < 0x20 || byte == 0x7F { return "a control character" }
        let end = bytes[(offset + 1)...].firstIndex { $0 & 0xC0 != 0x80 } ?? bytes.count
        return "'\(String(decoding: bytes[offset..<end], as: UTF8.self))'"
    }
}
