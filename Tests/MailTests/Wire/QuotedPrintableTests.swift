// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct QuotedPrintableTests {
    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("a=b", "a=3Db"), ("é", "=C3=A9"),
        ("a\nb", "a\r\nb"), ("a\r\nb\r\n", "a\r\nb\r\n"), ("a\rb", "a=0Db"), ("a\r", "a=0D"),
        ("end \nx", "end=20\r\nx"), ("end\t", "end=09"), (" lead", " lead"), ("\0\u{7F}", "=00=7F"),
        ("\r\r\n", "=0D\r\n"), (".\r\n", ".\r\n"),
    ])
    func encodes(text: String, encoded: String) {
        #expect(String(decoding: QuotedPrintable.encode(text.utf8), as: UTF8.self) == encoded)
    }

    /// The encoding undone in the plainest way.
    static func decode(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "=") {
                let next = Array(text[(index + 1)...(index + 2)])
                if next != [0x0D, 0x0A] {
                    result.append(UInt8(String(decoding: next, as: UTF8.self), radix: 16) ?? 0)
                }
                index += 3
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    @Test func anythingComesBackInShortLinesOfASCII() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let octets: [UInt8] = (0..<Int.random(in: 0...400, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? [0x20, 0x09, 0x3D, 0x41].randomElement(using: &generator) ?? 0x41
                    : UInt8.random(in: 0...255, using: &generator)
            }.filter { $0 != 0x0A }
            let encoded = QuotedPrintable.encode(octets)
            #expect(Self.decode(encoded) == octets)
            for line in encoded.split(separator: 0x0A, omittingEmptySubsequences: false) {
                #expect(line.count <= 77 && line.allSatisfy { $0 < 0x80 })
                let text = line.last == 0x0D ? line.dropLast() : line
                #expect(text.last != 0x20 && text.last != 0x09)
            }
        }
    }
}
