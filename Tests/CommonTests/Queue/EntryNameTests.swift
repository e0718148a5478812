// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@testable import Common

@Suite struct EntryNameTests {
    static let id = QueueID(microseconds: 1_780_000_000_000_000, random: 7)

    @Test func isWrittenAsDocumented() {
        let name = EntryName(
            id: Self.id, account: AccountName(group: "default", user: "j.doe"),
            claim: EntryName.Claim(size: 4096, checksum: 0xABC))
        #expect(name.text == "\(Self.id).default.j%2Edoe,S=4096,C=00000abc")
        #expect(EntryName(name.text) == name)
    }

    /// Hostile names, each as group and as user of every other.
    static let names = [
        "a", "..", ".", "a.b", "a,S=1,C=00000000", ",", "%", "%2E", "a/b", "/etc", "\n", "é",
        "e\u{301}",
        "0000000000000000000000000v", "C=0", "\u{0}", "", " ", "-rf", "*", "\u{FEFF}", "a:2,S",
    ]

    @Test(arguments: names, names) func comesBackOrIsRefused(group: String, user: String) {
        let account = AccountName(group: group, user: user)
        let name = EntryName(
            id: Self.id, account: account, claim: EntryName.Claim(size: 1, checksum: .max))
        let text = name.text
        #expect(!text.utf8.contains(UInt8(ascii: "/")) && !text.utf8.contains(0))
        guard EntryName.canName(account) else {
            #expect(EntryName(text) == nil)
            return
        }
        let read = EntryName(text)
        #expect(read.map { Array($0.account.group.utf8) } == Array(group.utf8))
        #expect(read.map { Array($0.account.user.utf8) } == Array(user.utf8))
        #expect(read?.id == Self.id && read?.claim == name.claim)
    }

    static let refused = [
        "", "a", "\(id)", "\(id).a", "\(id).a.", "\(id)..b", "\(id).a.b.c", "\(id).a.b,S=1",
        "\(id).a.b,S=1,C=0", "\(id).a.b,S=1,C=0000000A", "\(id).a.b,S=01,C=00000000",
        "\(id).a.b,S=+1,C=00000000", "\(id).a.b,S=-1,C=00000000", "\(id).a.b,C=00000000,S=1",
        "\(id).a.b,S=1,C=00000000,", "\(id).a.b,S=1,C=000000000", "\(id).a.b,S=,C=00000000",
        "\(id).a.b,S=99999999999999999999,C=00000000", "x\(id).a.b,S=1,C=00000000",
        "\(id).%2E%2E.b,S=1,C=00000000", "\(id).a.%2e,S=1,C=00000000", "\(id).a.b,", "\(id).env",
        "\(id).msg",
    ]

    @Test(arguments: refused) func refuses(text: String) {
        #expect(EntryName(text) == nil)
    }

    @Test func operatorsMayMakeNamesWithoutClaim() {
        #expect(EntryName("\(Self.id).a.b")?.claim == nil)
        #expect(EntryName("\(Self.id).a.b")?.account == AccountName(group: "a", user: "b"))
    }

    @Test func fitsIntoANameOfTheFileSystem() {
        let user = String(repeating: "u", count: 150)
        let fits = AccountName(group: String(repeating: "g", count: 50), user: user)
        #expect(EntryName.canName(fits))
        let claim = EntryName.Claim(size: 9_999_999_999_999, checksum: 1)
        #expect(EntryName(id: Self.id, account: fits, claim: claim).text.utf8.count == 255)
        #expect(!EntryName.canName(AccountName(group: fits.group + "g", user: user)))
        #expect(
            !EntryName.canName(AccountName(group: "g", user: String(repeating: ".", count: 67))))
    }

    @Test func randomNamesComeBack() {
        for _ in 0..<500 {
            let parts = (0..<2).map { _ in
                String(
                    decoding: (0..<Int.random(in: 1...20)).map { _ in UInt8.random(in: 1...255) },
                    as: UTF8.self)
            }
            let account = AccountName(group: parts[0], user: parts[1])
            guard EntryName.canName(account) else { continue }
            let name = EntryName(
                id: Self.id, account: account,
                claim: EntryName.Claim(
                    size: .random(in: 0..<1_000_000_000_000_000_000),
                    checksum: .random(in: 0 ... .max)))
            #expect(EntryName(name.text).map(\.text) == name.text)
            #expect(EntryName(name.text)?.claim == name.claim)
        }
    }
}
