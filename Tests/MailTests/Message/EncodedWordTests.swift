// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct EncodedWordTests {
    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("a\r\nBcc: x", "a  Bcc: x"), ("tab\there", "tab here"),
        ("Grüße", "=?UTF-8?B?R3LDvMOfZQ==?="), ("=?x", "=?UTF-8?B?PT94?="),
    ])
    func encodes(text: String, encoded: String) {
        #expect(EncodedWord.encode(text) == encoded)
    }

    @Test func longTextIsFoldedBetweenCharacters() {
        let text = String(repeating: "漢字かな交じり文 ", count: 40)
        let encoded = EncodedWord.encode(text)
        for line in encoded.split(separator: "\r\n") {
            #expect(line.utf8.count <= 76 && line.utf8.allSatisfy { $0 < 0x80 })
        }
        #expect(
            EncodedWord.decode(String(encoded.filter { $0 != "\r\n" })) == text)
    }

    @Test(arguments: [
        ("plain  text ", "plain  text "), ("=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?= x", "Grüße x"), ("=?iso-8859-1?Q?a_=FC?=", "a ü"),
        ("=?UTF-8?B?R3I=?= =?UTF-8?B?w7w=?=", "Grü"), ("=?utf-8*de?q?x?=y", "xy"),
        ("a =?UTF-8?Q?b?= c", "a b c"),
        // What is none stays.
        ("=?UTF-8?B?***?=", "=?UTF-8?B?***?="), ("=?koi8-r?B?8A==?=", "=?koi8-r?B?8A==?="),
        ("=?UTF-8?Q?=C3?=", "=?UTF-8?Q?=C3?="), ("=?", "=?"), ("=?a?q?=?=", "=?a?q?=?="),
        ("=?UTF-8?Q?a b?=", "=?UTF-8?Q?a b?="),
    ])
    func decodes(text: String, decoded: String) {
        #expect(EncodedWord.decode(text) == decoded)
    }
}
