// SPDX-License-Identifier: Apache-2.0
import Common
import Directory
import Testing

@testable import wmail

/// Which group a word means, and what the commands show.
@Suite struct AccountCommandTests {
    static let files: [AccountFile] = {
        var first = AccountFile(group: "default", path: "/x")
        first.domains = ["example.org", "example.net"]
        first.users = [
            AccountFile.User(name: "alice", password: "$y$", permissions: [.receive, .sendLocal]),
            AccountFile.User(name: "printer"),
        ]
        first.aliases = [AccountFile.Alias(name: "info", targets: ["alice", "x@example.com"])]
        var second = AccountFile(group: "second", path: "/y")
        second.domains = ["second.example"]
        second.users = [AccountFile.User(name: "zoe")]
        return [first, second]
    }()

    static let words: [(word: String, group: String?, name: String, found: String)] = [
        ("alice@Example.NET", nil, "alice", "default"),
        ("new@second.example", nil, "new", "second"), ("zoe", nil, "zoe", "second"),
        ("new", "second", "new", "second"),
    ]

    @Test(arguments: words)
    func findsTheGroup(word: String, group: String?, name: String, found: String) throws {
        let named = try Instance.user(word, group: group, among: Self.files)
        #expect(named == Instance.Named(name: name, group: found))
    }

    static let unclear: [(word: String, group: String?, cause: String)] = [
        ("new", nil, "there are several groups: default, second"),
        ("a@nowhere.example", nil, "nowhere.example is a domain of no group"),
        ("a@example.org", "second", "example.org belongs to group default, and not to second"),
        ("a", "third", "there is no group third"),
    ]

    @Test(arguments: unclear) func saysWhatIsUnclear(word: String, group: String?, cause: String) {
        #expect {
            try Instance.user(word, group: group, among: Self.files)
        } throws: {
            ($0 as? Failure)?.cause == cause
        }
    }

    @Test func permissionsAreWords() throws {
        #expect(try Permissions(words: ["receive,sendlocal", "SendRelay"]).rawValue == 7)
        #expect(throws: Failure("recieve is no permission", cure: "did you mean receive?")) {
            try Permissions(words: ["recieve"])
        }
    }

    @Test func passwordsAreHashedAndNotTooShort() throws {
        #expect(throws: Failure.self) { try NewPassword("seven77") }
        let hash = try NewPassword("eight888").hash()
        #expect(hash.hasPrefix("$y$"))
        #expect(try PasswordHash(hash)?.matches(Array("eight888".utf8)) == true)
        // As logins are compared with it (RFC 4013).
        let prepared = try NewPassword("Gru\u{308}\u{DF}e, 100%").hash()
        #expect(try PasswordHash(prepared)?.matches(Array("Gr\u{FC}\u{DF}e, 100%".utf8)) == true)
        let made = try #require(NewPassword.generated().shown)
        #expect(made.count == 23 && made != NewPassword.generated().shown)
    }

    @Test(arguments: [
        ("eight888\u{7}", "a password cannot have control characters or such for private use"),
        (
            "eight888\u{1F40E}",
            "a password cannot have characters that are younger than Unicode 3.2, such as emoji"
        ),
        (
            "\u{627}eight888",
            "a password is written either from right to left or from left to right"
        ),
        (
            "\u{AD}\u{AD}\u{AD}\u{AD}\u{AD}\u{AD}\u{AD}\u{AD}",
            "a password has at least 8 characters"
        ),
    ])
    func saysWhatNoPasswordCanBe(_ text: String, _ cause: String) {
        #expect {
            try NewPassword(text)
        } throws: {
            ($0 as? Failure)?.cause == cause
        }
    }

    @Test func listsForPeople() {
        #expect(
            UserCommand.List.answer(Self.files).text(.plain) == """
                ADDRESS              GROUP    LOGIN  PERMISSIONS
                alice@example.org    default  yes    receive sendlocal
                printer@example.org  default  no     receive
                zoe@second.example   second   no     receive

                """)
        #expect(
            AliasCommand.List.answer(Self.files).text(.plain) == """
                ALIAS  GROUP    LEADS TO
                info   default  alice, x@example.com

                """)
        #expect(
            GroupCommand.List.answer(Self.files).text(.plain) == """
                GROUP    USERS  ALIASES  DOMAINS
                default  2      1        example.org example.net
                second   1      0        second.example

                """)
    }

    @Test func listsForPrograms() {
        #expect(
            UserCommand.List.answer(Self.files).json[0] == [
                "user": "alice", "group": "default", "address": "alice@example.org",
                "permissions": ["receive", "sendlocal"], "login": true,
            ])
        #expect(
            DomainCommand.List.answer(Self.files).json == [
                ["domain": "example.org", "group": "default"],
                ["domain": "example.net", "group": "default"],
                ["domain": "second.example", "group": "second"],
            ])
        #expect(
            AliasCommand.List.answer(Self.files).json == [
                ["alias": "info", "group": "default", "targets": ["alice", "x@example.com"]]
            ])
    }

    @Test func namesTheRecordsToPublish() throws {
        let address = try #require(SocketAddress("192.0.2.7", port: 0))
        #expect(
            PublishedRecords.text(PublishedRecords.ofHost("mail.example.org", addresses: [address]))
                == """
                  mail.example.org. IN A 192.0.2.7
                      ; the host
                  7.2.0.192.in-addr.arpa. IN PTR mail.example.org.
                      ; set by whoever gave you the address

                """)
        let six = try #require(SocketAddress("2001:db8::1", port: 0))
        #expect(
            six.reverseName
                == "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")
        #expect(
            PublishedRecords.ofDomain("example.org", host: "mail.example.org").map(\.line) == [
                "example.org. IN MX 10 mail.example.org.",
                "example.org. IN TXT \"v=spf1 mx -all\"",
                "_dmarc.example.org. IN TXT \"v=DMARC1; p=none; rua=mailto:postmaster@example.org\"",
            ])
    }
}
