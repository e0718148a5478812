// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct LineFramerTests {
    typealias Row = (input: String, events: [LineFramer.Event])

    static let rows: [Row] = [
        ("", []),
        ("NOOP", []),
        ("NOOP\r", []),
        ("NOOP\r\n", [.line(bytes("NOOP"))]),
        ("\r\n", [.line([])]),
        ("a\r\n\r\nb\r\n", [.line(bytes("a")), .line([]), .line(bytes("b"))]),
        ("a\nb\r\nc\r\n", [.refused(.bareLF), .line(bytes("c"))]),
        ("a\n", [.refused(.bareLF)]),
        ("a\n\n\n\r\nc\r\n", [.refused(.bareLF), .line(bytes("c"))]),
        ("a\rb\r\nc\r\n", [.refused(.bareCR), .line(bytes("c"))]),
        ("a\r\r\nc\r\n", [.refused(.bareCR), .line(bytes("c"))]),
        ("a\r\r", [.refused(.bareCR)]),
        ("\r\r\r\nc\r\n", [.refused(.bareCR), .line(bytes("c"))]),
        ("\n\r\nc\r\n", [.refused(.bareLF), .line(bytes("c"))]),
        ("12345678\r\n", [.line(bytes("12345678"))]),
        ("123456789\r\nc\r\n", [.refused(.tooLong), .line(bytes("c"))]),
        ("123456789\n\r\nc\r\n", [.refused(.tooLong), .line(bytes("c"))]),
        ("123456789012345678901234567890", [.refused(.tooLong)]),
        ("\0\u{FF}\r\n", [.line([0, 0xC3, 0xBF])]),
    ]

    @Test(arguments: rows) func cutWhole(_ row: Row) {
        var framer = LineFramer(limit: 10)
        framer.append(bytes(row.input))
        #expect(events(of: &framer) == row.events)
    }

    @Test(arguments: rows) func cutByteByByte(_ row: Row) {
        var framer = LineFramer(limit: 10)
        var found: [LineFramer.Event] = []
        for byte in bytes(row.input) {
            framer.append([byte].span)
            found += events(of: &framer)
        }
        #expect(found == row.events)
    }

    @Test func skippedBytesAreNotKept() {
        var framer = LineFramer(limit: 10)
        for _ in 0..<100 {
            framer.append([UInt8](repeating: 65, count: 1000))
            _ = events(of: &framer)
            #expect(framer.pendingCount == 0)
        }
    }

    @Test func pendingBytesAreHandedOver() {
        var framer = LineFramer(limit: 10)
        framer.append(bytes("DATA\r\nrest\nof it"))
        #expect(framer.next() == .line(bytes("DATA")))
        #expect(framer.pendingCount == 10)
        #expect(framer.takePending() == bytes("rest\nof it"))
        #expect(framer.pendingCount == 0)
        #expect(framer.next() == nil)
    }

    @Test func discardedBytesAreGone() {
        var framer = LineFramer(limit: 10)
        framer.append(bytes("STLS\r\nUSER a\nPASS"))
        #expect(framer.next() == .line(bytes("STLS")))
        framer.discardPending()
        framer.append(bytes("NOOP\r\n"))
        #expect(framer.next() == .line(bytes("NOOP")))
    }

    @Test func manyLinesInOnePiece() {
        var framer = LineFramer(limit: 10)
        framer.append(bytes(String(repeating: "NOOP\r\n", count: 10_000)))
        #expect(events(of: &framer).count == 10_000)
        #expect(framer.pendingCount == 0)
    }

    private func events(of framer: inout LineFramer) -> [LineFramer.Event] {
        var found: [LineFramer.Event] = []
        while let event = framer.next() { found.append(event) }
        return found
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
