// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import Directory

@Suite struct SASLprepTests {
    /// What is offered, and what it is compared as.
    static let prepared: [(String, String)] = [
        // RFC 4013 §3.
        ("I\u{AD}X", "IX"), ("user", "user"), ("USER", "USER"), ("\u{AA}", "a"), ("\u{2168}", "IX"),
        // Printable ASCII is as it is.
        (" !~", " !~"), ("correct horse", "correct horse"), ("", ""),
        // Composed or not (§2.2), other spaces (§2.1), what is commonly mapped to nothing.
        ("mu\u{308}ller", "m\u{FC}ller"), ("m\u{FC}ller", "m\u{FC}ller"),
        ("a\u{A0}b\u{3000}c", "a b c"), ("a\u{200B}b\u{FEFF}\u{2060}", "a b"),
        ("\u{1806}x\u{FE0F}", "x"),
        ("\u{FF55}\u{FF53}\u{FF45}\u{FF52}", "user"), ("\u{FB01}sh", "fish"),
        ("\u{C5}", "\u{212B}"),
        // In one direction from the beginning to the end (§2.4).
        ("\u{627}1\u{628}", "\u{627}1\u{628}"), ("\u{5D0}\u{5D1}", "\u{5D0}\u{5D1}"),
        // The longest that comes of one character.
        (
            "\u{FDFA}",
            "\u{635}\u{644}\u{649} \u{627}\u{644}\u{644}\u{647} \u{639}\u{644}\u{64A}\u{647} "
                + "\u{648}\u{633}\u{644}\u{645}"
        ),
    ]

    @Test(arguments: prepared) func prepares(_ text: String, _ expected: String) throws {
        for purpose in [SASLprep.Purpose.query, .stored] {
            let found = try SASLprep.prepare(text, for: purpose)
            // By octets: to Swift a composed character equals one that is not.
            #expect(Array(found.utf8) == Array(try SASLprep.prepare(expected, for: purpose).utf8))
            #expect(found == expected)
            #expect(Array(try SASLprep.prepare(found, for: purpose).utf8) == Array(found.utf8))
        }
    }

    static let refused: [(String, SASLprepError)] = [
        ("\u{7}", .prohibited), ("a\u{7F}", .prohibited), ("a\tb", .prohibited),
        ("a\0b", .prohibited),
        ("x\u{85}", .prohibited), ("\u{E000}", .prohibited), ("\u{FFFE}", .prohibited),
        ("\u{FFFD}", .prohibited), ("\u{2FF0}", .prohibited), ("a\u{202E}b", .prohibited),
        ("\u{E0001}", .prohibited), ("\u{10FFFF}", .prohibited), ("\u{627}1", .mixedDirections),
        ("\u{627}a\u{628}", .mixedDirections),
        ("a\u{5D0}", .mixedDirections), ("\u{AD}", .empty), ("\u{FE00}\u{200D}", .empty),
        (String(repeating: "\u{FC}", count: 1025), .tooLong),
    ]

    @Test(arguments: refused) func refuses(_ text: String, _ error: SASLprepError) {
        #expect(throws: error) { try SASLprep.prepare(text, for: .query) }
        #expect(throws: error) { try SASLprep.prepare(text, for: .stored) }
        #expect(SASLprep.query(text) == nil)
        #expect(SASLprep.forms(ofOffered: Array(text.utf8)) == [[]])
    }

    /// What Unicode 3.2 does not have may be asked for and not be kept (RFC 3454 §7).
    @Test(arguments: ["\u{221}", "correct \u{1F40E}", "\u{1E9E}"])
    func unassignedCharactersAreForQueries(_ text: String) throws {
        #expect(throws: SASLprepError.unassigned) { try SASLprep.prepare(text, for: .stored) }
        #expect(try SASLprep.prepare(text, for: .query) == text)
    }

    /// Every character alone and beside others ends in a text that stays, or an error that is known.
    @Test func everyCharacterIsPreparedOrRefused() {
        var faults = 0
        // The planes that have characters in Unicode 3.2, and the first two of private use.
        for value in Array(UInt32(0)..<0x2_0000) + Array(0xE_0000..<0xF_0010) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            for text in [String(Character(scalar)), "a\(Character(scalar))b"] {
                do throws(SASLprepError) {
                    let once = try SASLprep.prepare(text, for: .query)
                    if try SASLprep.prepare(once, for: .query) != once { faults += 1 }
                } catch {
                    if case .failed = error { faults += 1 }
                }
            }
        }
        #expect(faults == 0)
    }

    @Test func theLongestTextsArePrepared() throws {
        let growing = String(repeating: "\u{FDFA}", count: 682)
        #expect(try SASLprep.prepare(growing, for: .query).unicodeScalars.count == 682 * 18)
        // Marks that are put in order, one by one.
        let marks = "a" + String(repeating: "\u{301}\u{323}", count: 500)
        #expect(try SASLprep.prepare(marks, for: .query).unicodeScalars.first == "\u{1EA1}")
    }

    @Test(
        arguments: [
            (Array("secret".utf8), [Array("secret".utf8)]),
            (Array("\u{FC}".utf8), [Array("\u{FC}".utf8)]),
            (Array("u\u{308}".utf8), [Array("\u{FC}".utf8), Array("u\u{308}".utf8)]),
            // ISO 8859-1 of an old client: nothing that could be prepared.
            ([0x67, 0xFC], [[0x67, 0xFC]]), ([], [[]]), ([7], [[]]),
        ] as [([UInt8], [[UInt8]])])
    func formsOfAPassword(_ offered: [UInt8], _ forms: [[UInt8]]) {
        #expect(SASLprep.forms(ofOffered: offered) == forms)
    }

    static let directory = GroupDirectory(
        group: "default", domains: ["example.test", "m\u{FC}ller.example"],
        accounts: [
            "admin", "J\u{FC}rgen", "\u{5D0}\u{5D1}\u{5D0}", "o\u{FB03}ce", "\u{AA}lice", "alice",
        ].map {
            GroupDirectory.Account(
                name: AccountName(group: "default", user: $0), password: .none, permissions: [])
        })

    static let logins: [(String, String?)] = [
        ("\u{FF41}dmin", "admin"), ("ad\u{AD}min@example.test", "admin"), ("ADMIN", "admin"),
        ("J\u{FC}rgen", "J\u{FC}rgen"), ("ju\u{308}rgen", "J\u{FC}rgen"),
        ("J\u{DC}RGEN", "J\u{FC}rgen"),
        ("JU\u{308}RGEN@mu\u{308}ller.example", "J\u{FC}rgen"),
        // The domain's letters are not of the name's direction.
        ("\u{5D0}\u{5D1}\u{5D0}@example.test", "\u{5D0}\u{5D1}\u{5D0}"),
        ("office", "o\u{FB03}ce"), ("O\u{FB03}CE", "o\u{FB03}ce"),
        // Who was there under this very spelling stays apart.
        ("alice", "alice"), ("\u{AA}lice", "\u{AA}lice"), ("\u{AA}LICE", "\u{AA}lice"),
        ("admin\u{E000}", nil), ("\u{627}1", nil), ("\u{AD}", nil), ("j\u{FC}rge", nil),
    ]

    @Test(arguments: logins) func findsAccounts(_ login: String, _ expected: String?) {
        #expect(Self.directory.account(login: login)?.name.user == expected)
    }

    @Test func aPlainPasswordIsPreparedToo() throws {
        let substitute = try PasswordHash.unmatchable()
        func isRight(_ stored: String, _ offered: String) throws -> Bool {
            for form in SASLprep.forms(ofOffered: Array(offered.utf8))
            where try StoredPassword.plain(stored).matches(form, substitute: substitute) {
                return true
            }
            return false
        }
        #expect(try isRight("gru\u{308}n", "gr\u{FC}n"))
        #expect(try isRight("gr\u{FC}n", "gru\u{308}n"))
        #expect(try isRight("gru\u{308}n", "gru\u{308}n"))
        #expect(try !isRight("gr\u{FC}n", "grun"))
        #expect(try isRight("a\u{1F40E}", "a\u{1F40E}"))
        #expect(try !isRight("a\u{7}", "a\u{7}"))
    }
}
