// SPDX-License-Identifier: Apache-2.0
@testable import POP3
import Testing

@Suite struct TopLimitTests {
    typealias Row = (message: String, lines: Int, top: String)

    static let rows: [Row] = [
        ("A: b\r\n\r\n1\r\n2\r\n3\r\n", 0, "A: b\r\n\r\n"),
        ("A: b\r\n\r\n1\r\n2\r\n3\r\n", 1, "A: b\r\n\r\n1\r\n"),
        ("A: b\r\n\r\n1\r\n2\r\n3\r\n", 3, "A: b\r\n\r\n1\r\n2\r\n3\r\n"),
        ("A: b\r\n\r\n1\r\n2\r\n3\r\n", 99, "A: b\r\n\r\n1\r\n2\r\n3\r\n"),
        ("A: b\r\n\r\n\r\n\r\nx\r\n", 1, "A: b\r\n\r\n\r\n"),
        ("A: b\nC: d\n\n1\n2\n", 1, "A: b\nC: d\n\n1\n"),
        ("A: b\r\nC: d\r\n", 0, "A: b\r\nC: d\r\n"),
        ("\r\nbody\r\nmore\r\n", 1, "\r\nbody\r\n"),
        ("A: b\r\n \r\nC: d\r\n\r\n1\r\n", 0, "A: b\r\n \r\nC: d\r\n\r\n"),
        ("A: b\r\n\r\nno end", 1, "A: b\r\n\r\nno end"),
        ("", 5, ""),
    ]

    @Test(arguments: rows) func cutAnywhere(_ row: Row) {
        for size in 1...30 {
            var limit = TopLimit(bodyLines: row.lines)
            var top: [UInt8] = []
            var rest = bytes(row.message)[...]
            while !rest.isEmpty, !limit.isReached {
                let piece = Array(rest.prefix(size))
                top += piece[..<limit.octets(of: piece.span)]
                rest = rest.dropFirst(size)
            }
            #expect(String(decoding: top, as: UTF8.self) == row.top, "pieces of \(size)")
        }
    }
}
