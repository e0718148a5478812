// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Mail

@Suite struct QueueIDTests {
    static let texts: [(UInt64, UInt64, String)] = [
        (0, 0, "00000000000000000000000000"),
        (0, 31, "0000000000000000000000000v"),
        (0, 32, "00000000000000000000000010"),
        (.max, .max, "7vvvvvvvvvvvvvvvvvvvvvvvvv"),
        (1 << 63, 0, "40000000000000000000000000"),
        (1, 0, "0000000000000g000000000000"),
    ]

    @Test(arguments: texts) func writes(microseconds: UInt64, random: UInt64, text: String) {
        let id = QueueID(microseconds: microseconds, random: random)
        #expect(id.description == text)
        #expect(QueueID(text) == id)
    }

    @Test(arguments: [
        "", "0", "0000000000000000000000000", "000000000000000000000000000",
        "8vvvvvvvvvvvvvvvvvvvvvvvvv", "vvvvvvvvvvvvvvvvvvvvvvvvvv", "0000000000000000000000000V",
        "0000000000000000000000000w", "0000000000000000000000000.", " 000000000000000000000000 ",
        "é000000000000000000000000", "0000000000000000000000000\0",
    ]) func refuses(text: String) {
        #expect(QueueID(text) == nil)
    }

    @Test func comesBackAndSortsAsItsText() {
        var ids: [QueueID] = []
        for _ in 0..<2000 {
            let id = QueueID(
                microseconds: UInt64.random(in: 0 ... .max) >> UInt64.random(in: 0..<64),
                random: UInt64.random(in: 0 ... .max) >> UInt64.random(in: 0..<64))
            #expect(QueueID(id.description) == id)
            ids.append(id)
        }
        let byText = ids.map(\.description).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(ids.sorted().map(\.description) == byText)
    }
}
