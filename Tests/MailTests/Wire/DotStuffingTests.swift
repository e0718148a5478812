// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct DotStuffingTests {
    typealias Row = (message: String, wire: String)

    static let rows: [Row] = [
        ("", ".\r\n"),
        ("\r\n", "\r\n.\r\n"),
        ("\n", "\r\n.\r\n"),
        ("\n\n", "\r\n\r\n.\r\n"),
        ("a", "a\r\n.\r\n"),
        ("a\r", "a\r\n.\r\n"),
        ("a\r\n", "a\r\n.\r\n"),
        (".", "..\r\n.\r\n"),
        (".\r\n", "..\r\n.\r\n"),
        ("..\r\n.\r\n", "...\r\n..\r\n.\r\n"),
        ("a.b\r\n.c\r\n", "a.b\r\n..c\r\n.\r\n"),
        ("a\n.b\n..\n", "a\r\n..b\r\n...\r\n.\r\n"),
        ("a\r.b\r\n", "a\r.b\r\n.\r\n"),
        (
            "line one is long enough\r\n.dot in a later word\r\n",
            "line one is long enough\r\n..dot in a later word\r\n.\r\n"
        ),
        ("0123456\r\n.\n.\n.\n.\n.\n.\n", "0123456\r\n..\r\n..\r\n..\r\n..\r\n..\r\n..\r\n.\r\n"),
    ]

    @Test(arguments: rows) func encodeInPieces(_ row: Row) {
        for size in 1...24 {
            #expect(encode(row.message, inPiecesOf: size) == row.wire, "pieces of \(size)")
        }
    }

    /// What a client gets back by RFC 1939 §3 is the message with its line ends made CRLF.
    @Test func everyShortMessageComesBack() {
        let alphabet: [UInt8] = [UInt8(ascii: "."), 13, 10, UInt8(ascii: "x")]
        for length in 0...6 {
            for number in 0..<(1 << (2 * length)) {
                let message = (0..<length).map { alphabet[(number >> (2 * $0)) & 3] }
                for padding in [0, 7] {
                    let padded = [UInt8](repeating: 120, count: padding) + message
                    let wire = bytes(encode(String(decoding: padded, as: UTF8.self), inPiecesOf: 5))
                    let expected = normalized(padded)
                    #expect(unstuffed(wire) == expected)
                    var size = WireSize()
                    let (first, second) = (Array(padded.prefix(4)), Array(padded.dropFirst(4)))
                    size.add(first.span)
                    size.add(second.span)
                    #expect(size.total == expected.count)
                }
            }
        }
    }

    @Test func scannerFindsAndCounts() {
        let text = bytes("abcdefg\nhijk\n\u{80}\u{8A}\n0123456789\n")
        #expect(ByteScanner.count(of: 10, in: text.span) == 4)
        #expect(ByteScanner.firstIndex(of: 10, in: text.span) == 7)
        #expect(ByteScanner.firstIndex(of: 10, in: text.span, from: 8) == 12)
        #expect(ByteScanner.firstIndex(of: 0, in: text.span) == nil)
    }

    private func encode(_ message: String, inPiecesOf size: Int) -> String {
        var stuffing = DotStuffing()
        var output: [UInt8] = []
        var rest = bytes(message)[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            stuffing.encode(piece.span, into: &output)
            rest = rest.dropFirst(size)
        }
        stuffing.finish(into: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// The message as sent: plain and slow.
    private func normalized(_ message: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for byte in message {
            if byte == 10, result.last != 13 { result.append(13) }
            result.append(byte)
        }
        if result.isEmpty || result.last == 10 { return result }
        if result.last != 13 { result.append(13) }
        return result + [10]
    }

    /// What a client makes of the wire: it stops at the dot and takes one off each stuffed line.
    private func unstuffed(_ wire: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var line: [UInt8] = []
        for (index, byte) in wire.enumerated() {
            line.append(byte)
            guard line.suffix(2) == [13, 10] else { continue }
            if line == [46, 13, 10] { return index == wire.count - 1 ? result : nil }
            result += line.first == 46 ? Array(line.dropFirst()) : line
            line = []
        }
        return nil
    }
}
