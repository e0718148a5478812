// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import Directory

@Suite struct GroupDirectoryTests {
    static func account(
        _ user: String, _ permissions: Permissions = [.receive, .sendLocal],
        senders: [String] = []
    ) -> GroupDirectory.Account {
        GroupDirectory.Account(
            name: AccountName(group: "default", user: user), password: .none,
            permissions: permissions, senders: senders)
    }

    static let directory = GroupDirectory(
        group: "default", domains: ["example.test", "Example.ORG", "müller.example"],
        accounts: [
            account("robot", [.sendOutside]),
            account("admin"), account("Bob"), account("bob"), account("a+b"),
            account("carol", senders: ["sales@example.net", "*@partner.test"]),
            account("dave", senders: ["*"]), account("jürgen"),
        ],
        aliases: [
            "info": ["admin"], "INFO@example.org": ["carol"],
            "all": ["admin", "carol@example.test", "Carol", "list@elsewhere.test", "info"],
            "carol.old": ["carol+old"],
            // Loops.
            "ping": ["pong"], "pong": ["ping"], "self": ["self"],
            // A copy: the alias keeps the account.
            "dave": ["dave", "archive@elsewhere.test"],
            "left": ["right", "admin"], "right": ["left", "carol"],
            "nobody": [], "stale": ["deleted"], "robots": ["robot"], "out": ["x@elsewhere.test"],
            "both": ["robot", "admin"],
        ])

    static func accounts(_ users: String...) -> AccountAnswer {
        .recipients(
            accounts: users.map { AccountName(group: "default", user: $0) }, forwards: [])
    }

    static func both(_ users: [String], _ forwards: [String]) -> AccountAnswer {
        .recipients(
            accounts: users.map { AccountName(group: "default", user: $0) },
            forwards: forwards.map { ForwardAddress(localPart: $0, domain: "elsewhere.test") })
    }

    @Test(arguments: [
        ("admin", "example.test", accounts("admin")),
        ("ADMIN", "EXAMPLE.TEST", accounts("admin")),
        ("Admin", "example.org", accounts("admin")),
        ("admin", "MÜLLER.example", accounts("admin")),
        ("admin", "xn--mller-kva.example", accounts("admin")),
        ("admin", "example.net", .notLocal), ("admin", "", accounts("admin")),
        ("admin", "[192.0.2.1]", .notLocal), ("admin", "not a domain", .notLocal),
        ("admin", "sub.example.test", .notLocal),
        ("admin", "example.test.evil.test", .notLocal),
        ("nemo", "example.test", .unknown),
        ("", "example.test", .unknown),
        // Users that differ in case.
        ("Bob", "example.test", accounts("Bob")), ("bob", "example.test", accounts("bob")),
        ("BOB", "example.test", accounts("Bob")),
        ("JÜRGEN", "example.test", accounts("jürgen")),
        // Permission.
        ("robot", "example.test", .notReceiving), ("robots", "example.test", .notReceiving),
        ("both", "example.test", accounts("admin")),
        // Aliases, of the whole address first.
        ("info", "example.test", accounts("admin")), ("Info", "Example.Org", accounts("carol")),
        ("all", "example.test", both(["admin", "carol"], ["list"])),
        ("carol.old", "example.test", accounts("carol")),
        ("out", "example.test", both([], ["x"])),
        ("nobody", "example.test", .unknown), ("stale", "example.test", .unknown),
        ("dave", "example.test", both(["dave"], ["archive"])),
        // Loops end.
        ("ping", "example.test", .unknown), ("self", "example.test", .unknown),
        ("left", "example.test", accounts("carol", "admin")),
        // Tags.
        ("admin+news", "example.test", accounts("admin")),
        ("ADMIN+news+more", "example.test", accounts("admin")),
        ("info+x", "example.test", accounts("admin")),
        ("a+b", "example.test", accounts("a+b")),
        ("+tag", "example.test", .unknown), ("nemo+tag", "example.test", .unknown),
        // The postmaster of a group that names none.
        ("postmaster", "example.test", accounts("admin")),
        ("PostMaster", "", accounts("admin")),
    ])
    func recipients(_ localPart: String, _ domain: String, _ expected: AccountAnswer) {
        #expect(Self.directory.recipients(localPart: localPart, domain: domain) == expected)
    }

    @Test func separatorsAreConfigurable() {
        let directory = GroupDirectory(
            group: "default", domains: ["example.test"], accounts: [Self.account("admin")],
            separators: "-_")
        for (name, expected) in [
            ("admin-x", Self.accounts("admin")), ("admin_x", Self.accounts("admin")),
            ("admin+x", .unknown),
        ] {
            #expect(directory.recipients(localPart: name, domain: "example.test") == expected)
        }
        let without = GroupDirectory(
            group: "default", domains: ["example.test"], accounts: [Self.account("admin")],
            separators: "")
        #expect(without.recipients(localPart: "admin+x", domain: "example.test") == .unknown)
    }

    @Test func catchAll() {
        let directory = GroupDirectory(
            group: "default", domains: ["example.test"],
            accounts: [
                Self.account("admin"), Self.account("rest"), Self.account("robot", []),
            ],
            aliases: ["postmaster": ["admin"]], catchAll: ["rest", "copy@elsewhere.test"])
        for (name, expected) in [
            ("admin", Self.accounts("admin")), ("postmaster", Self.accounts("admin")),
            ("nemo", Self.both(["rest"], ["copy"])), ("nemo+x", Self.both(["rest"], ["copy"])),
            ("admin+x", Self.accounts("admin")), ("robot", .notReceiving),
        ] {
            #expect(directory.recipients(localPart: name, domain: "example.test") == expected)
        }
        #expect(directory.recipients(localPart: "nemo", domain: "elsewhere.test") == .notLocal)
        #expect(directory.maySend(user: "rest", localPart: "nemo", domain: "example.test"))
        #expect(!directory.maySend(user: "admin", localPart: "nemo", domain: "example.test"))
    }

    @Test func aGroupWithoutDomainsHasNoRecipients() {
        let directory = GroupDirectory(
            group: "default", domains: [], accounts: [Self.account("admin")])
        #expect(directory.recipients(localPart: "admin", domain: "") == .notLocal)
        #expect(directory.recipients(localPart: "admin", domain: "x.test") == .notLocal)
        #expect(directory.address(of: Self.account("admin")) == "admin")
    }

    @Test func nobodyOfAVeryLongAliasIsLeftOutInSilence() throws {
        let users = (0..<5000).map { "user\($0)" }
        let directory = GroupDirectory(
            group: "default", domains: ["example.test"], accounts: users.map { Self.account($0) },
            aliases: ["all": users, "many": Array(users.prefix(2500))])
        #expect(directory.recipients(localPart: "all", domain: "example.test") == .unavailable)
        let many = directory.recipients(localPart: "many", domain: "example.test")
        guard case .recipients(let accounts, _) = many else {
            Issue.record("\(many)")
            return
        }
        #expect(accounts.count == 2500)
        #expect(try AccountCodec.encode(many, id: 1).count <= AccountCodec.datagramLimit)
    }

    @Test(arguments: [
        ("admin", "admin"), ("Admin", "admin"), ("admin@example.test", "admin"),
        ("ADMIN@Example.Org", "admin"), ("admin@elsewhere.test", nil),
        ("admin@", nil), ("@example.test", nil), ("admin@@example.test", nil), ("", nil),
        ("admin@xn--mller-kva.example", "admin"), ("info", nil), ("admin+x", nil), ("nemo", nil),
        ("bob", "bob"), ("BOB", "Bob"),
        ("admin@example.test@example.test", nil), ("a+b@example.test", "a+b"),
    ])
    func logins(_ login: String, _ expected: String?) {
        #expect(Self.directory.account(login: login)?.name.user == expected)
    }

    @Test(arguments: [
        ("admin", "admin", "example.test", true), ("admin", "ADMIN", "Example.org", true),
        ("admin", "admin+tag", "example.test", true), ("admin", "info", "example.test", true),
        ("admin", "info", "example.org", false), ("carol", "info", "example.org", true),
        ("admin", "carol", "example.test", false), ("admin", "admin", "elsewhere.test", false),
        ("admin", "all", "example.test", true), ("robot", "robot", "example.test", true),
        ("admin", "nemo", "example.test", false), ("admin", "", "example.test", false),
        // By name, and every address of a domain, and every address.
        ("carol", "Sales", "EXAMPLE.net", true), ("carol", "other", "example.net", false),
        ("carol", "anyone", "partner.test", true), ("carol", "x", "sub.partner.test", false),
        ("dave", "anyone", "anywhere.test", true), ("nemo", "admin", "example.test", false),
        ("Admin", "admin", "example.test", false),
    ])
    func senders(_ user: String, _ localPart: String, _ domain: String, _ expected: Bool) {
        #expect(
            Self.directory.maySend(user: user, localPart: localPart, domain: domain) == expected)
    }

    @Test func substitutesAreOfTheAccountsOwnKind() throws {
        let hashes = ["$5$one$", "$5$two$", "$5$three$"].map {
            $0 + "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
        }
        let accounts = (hashes + ["plain", ""]).enumerated().map { number, password in
            GroupDirectory.Account(
                name: AccountName(group: "default", user: "\(number)"),
                password: StoredPassword(password), permissions: [])
        }
        let directory = GroupDirectory(group: "default", domains: [], accounts: accounts)
        let chosen = (0..<9).compactMap { directory.substitute(choosing: $0)?.text }
        #expect(chosen.count == 9 && Set(chosen) == Set(hashes))
        #expect(directory.substitute(choosing: 7) == directory.substitute(choosing: 7))
        let empty = GroupDirectory(
            group: "default", domains: [], accounts: Array(accounts.suffix(2)))
        #expect(empty.substitute(choosing: 7) == nil)
    }

    /// What a client can measure: the work for an unknown user is that for a known one.
    @Test func unknownUsersTakeAsLongAsKnownOnes() throws {
        let hash = try PasswordHash(of: Array("secret".utf8))
        let clock = ContinuousClock()
        func least(_ stored: StoredPassword) throws -> Duration {
            try (0..<5).map { _ in
                try clock.measure {
                    _ = try stored.matches(Array("wrong".utf8), substitute: hash)
                }
            }.min() ?? .zero
        }
        let known = try least(.hash(hash))
        let unknown = try least(.none)
        let plain = try least(.plain("secret"))
        // Far apart means that one of them hashes nothing; the machine may be busy.
        for other in [unknown, plain] {
            #expect(other > known / 4 && known > other / 4)
        }
    }
}
