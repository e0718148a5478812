// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct Base64Tests {
    /// RFC 4648 §10, and bytes beyond ASCII.
    static let pairs: [(plain: [UInt8], text: String)] = [
        (bytes(""), ""), (bytes("f"), "Zg=="), (bytes("fo"), "Zm8="), (bytes("foo"), "Zm9v"),
        (bytes("foob"), "Zm9vYg=="), (bytes("fooba"), "Zm9vYmE="), (bytes("foobar"), "Zm9vYmFy"),
        ([0, 0xFF, 0xFE, 0xFB], "AP/++w=="),
        (bytes("\0tim\0tanstaaftanstaaf"), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"),
    ]

    @Test(arguments: pairs) func roundTrip(_ pair: (plain: [UInt8], text: String)) {
        #expect(Base64.encode(pair.plain) == bytes(pair.text))
        #expect(Base64.decode(bytes(pair.text)) == pair.plain)
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "=", "==", "====", "Z===", "Zg==Zg==", "Zm=v", "Zm9v=", "=Zm9",
        "Zh==", "Zm9=", "Zm9v\n", "Zm 9v", "Zm9v Zm9", "Zm-_", "Zm9\u{E4}", "Zg==\r\n", "*",
        "Zm9v\0\0\0\0",
    ])
    func refused(_ text: String) {
        #expect(Base64.decode(bytes(text)) == nil)
    }

    @Test func everyByteAtEveryLength() {
        for length in 0..<70 {
            let plain = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
            #expect(Base64.decode(Base64.encode(plain)) == plain)
        }
    }
}
