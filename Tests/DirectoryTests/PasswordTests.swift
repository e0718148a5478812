// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Directory

@Suite struct PasswordTests {
    static let known: [(String, String)] = [
        (
            "yescrypt",
            "$y$j75$saltsaltsaltsalt$YPXMw1fDspuPhCipQiFj5rZd/3Y1/Gfm8Z1DuemQkqC"
        ),
        (
            "sha512crypt",
            "$6$saltstring$LrAZclxs3Aoc.bP2Kb.nkGANNl2h.Wm7X0tDXt3YPuku2u9TGNw8k65euYEXJw0SUFZExhCVOM5RBDiUdnGud1"
        ),
        (
            "sha512crypt rounds",
            "$6$rounds=1000$saltstring$dmDKjQ7rNPLHpvLhvQFeU9dSHDv8ZK8b/2Bt3nQut9fn6icDYoxET.tYbQFUMplfiytWAvMAz/UqtE7S5L6Sj0"
        ),
        (
            "sha256crypt",
            "$5$saltstring$0rBcxZTCq0B3FAJ2um41MEexmzynVrLrteTw/o8yZG."
        ),
        (
            "bcrypt",
            "$2b$04$abcdefghijklmnopqrstuuGSSge77ykQOLo15e9Krbk2tBwCequkW"
        ),
        (
            "bcrypt y",
            "$2y$04$abcdefghijklmnopqrstuuGSSge77ykQOLo15e9Krbk2tBwCequkW"
        ),
        (
            "bcrypt a",
            "$2a$04$abcdefghijklmnopqrstuuGSSge77ykQOLo15e9Krbk2tBwCequkW"
        ),
    ]

    @Test(arguments: known) func knownStrings(_ method: String, _ text: String) throws {
        let hash = try #require(PasswordHash(text))
        #expect(try hash.matches(Array("Grüße, 100%!".utf8)))
        for wrong in ["", "Grüße, 100%", "Grüße, 100%!!", "grüße, 100%!", "\0", text] {
            #expect(try !hash.matches(Array(wrong.utf8)))
        }
        // C would stop reading at the NUL and find the password right.
        #expect(try !hash.matches(Array("Grüße, 100%!\0more".utf8)))
        #expect(try !hash.matches([UInt8](repeating: 65, count: 4096)))
    }

    /// Made by `openssl passwd`, which is another implementation.
    @Test(arguments: [
        (
            "Hello world!",
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
        ),
        ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    ])
    func stringsOfOpenSSL(_ password: String, _ text: String) throws {
        let hash = try #require(PasswordHash(text))
        #expect(try hash.matches(Array(password.utf8)))
    }

    @Test(arguments: [
        "", "secret", "$", "$y$", "$6", "$1$saltsalt$abcdefghijklmnopqrstuv", "abJnggxhB/yWI",
        "$y$j9T", "$y$j9T$salt$short", "$9$x$y", "$6$my$password",
        "$2b$99$" + String(repeating: "x", count: 53), "*", "!", "x",
        "$2b$99$abcdefghijklmnopqrstuu",
        "$6$" + String(repeating: "x", count: 1000),
    ])
    func whatIsNoHash(_ text: String) {
        #expect(PasswordHash(text) == nil)
    }

    @Test func newHashesAreYescryptAndDiffer() throws {
        let one = try PasswordHash(of: Array("secret".utf8))
        let two = try PasswordHash(of: Array("secret".utf8))
        #expect(one.text.hasPrefix("$y$") && one != two)
        #expect(PasswordHash(one.text) == one)
        #expect(try one.matches(Array("secret".utf8)))
        #expect(try !one.matches(Array("Secret".utf8)))
        #expect("\(one)" == "(password)")
    }

    @Test(arguments: [[], [0], [65, 0, 66], [UInt8](repeating: 65, count: 512)] as [[UInt8]])
    func passwordsThatCryptCannotHold(_ password: [UInt8]) {
        #expect(throws: (any Error).self) { try PasswordHash(of: password) }
    }

    @Test func nothingMatchesTheUnmatchable() throws {
        let hash = try PasswordHash.unmatchable()
        for password in ["", "x", hash.text] {
            #expect(try !hash.matches(Array(password.utf8)))
        }
    }
}
