// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct NamePartTests {
    static let pairs: [(String, String)] = [
        ("admin", "admin"), ("a.b", "a%2Eb"), ("a,b", "a%2Cb"), ("a/b", "a%2Fb"),
        ("100%", "100%25"),
        ("a b", "a%20b"), ("a@b+c=d_e-f", "a@b+c=d_e-f"), ("é", "%C3%A9"), ("e\u{301}", "e%CC%81"),
        ("..", "%2E%2E"), ("\n", "%0A"), ("A", "A"), ("", ""), ("%41", "%2541"), ("日", "%E6%97%A5"),
        ("a:2,S", "a%3A2%2CS"), ("\u{202E}x", "%E2%80%AEx"),
    ]

    @Test(arguments: pairs) func escapes(name: String, text: String) {
        #expect(NamePart.escape(name) == text)
        guard NamePart.isFolderName(name) else {
            #expect(NamePart.unescape(text) == nil)
            return
        }
        #expect(NamePart.unescape(text).map { Array($0.utf8) } == Array(name.utf8))
    }

    @Test(arguments: [
        "", ".", "a.b", "a,b", "a/b", "%", "%4", "%41", "%2e", "%2E", "%2E%2E", "%00", "a%2Fb",
        "%C3",
        "%FF", "%ED%A0%80", "%G0", "é", "a b", "%%", "%2", "a%",
    ]) func refuses(text: String) {
        #expect(NamePart.unescape(text) == nil)
    }

    /// Whatever can be read is written back to the same octets, so two names never stand for one thing.
    @Test func hasOneSpelling() {
        let pieces = [
            "a", "Z", "%", "2", "E", "e", "%2E", "%41", "%C3%A9", "%C3", ".", ",", "=", "@",
        ]
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 0...6)).map { _ in pieces.randomElement() ?? "" }
                .joined()
            guard let name = NamePart.unescape(text) else { continue }
            #expect(Array(NamePart.escape(name).utf8) == Array(text.utf8))
        }
    }
}
