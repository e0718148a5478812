// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct AccountFileTests {
    static func read(_ text: String) throws(ConfigurationError) -> AccountFile {
        try AccountFile.read(Array(text.utf8), group: "default", path: "group.json")
    }

    @Test func understandsOldFiles() throws {
        let file = try Self.read(
            """
            {
                "users": {
                    "admin": {
                        "password": "admin",
                        "permissions": ["receive", "sendlocal", "sendrelay", "sendoutside"],
                        "path": "./usermanager/default/users/admin"
                    },
                    "early": { "password": "x", "permissions": ["receive", "send"], "path": "usermanager/default/users/early" }
                },
                "bindDomains": ["localhost", "127.0.0.1", "LocalHost.com"]
            }
            """)
        #expect(file.domains == ["localhost", "127.0.0.1", "localhost.com"])
        #expect(file.users.map(\.name) == ["admin", "early"])
        let all: Permissions = [.receive, .sendLocal, .sendRelay, .sendOutside]
        #expect(file.users.map(\.permissions) == [all, all])
        #expect(file.user("admin")?.password == "admin")
        #expect(file.subaddressSeparators == "+")
        #expect(file.warnings.map(\.key) == ["users.early.permissions[1]"])
    }

    @Test func understandsTheNewKeys() throws {
        let file = try Self.read(
            """
            { users: {
                bob: { password: '$y$j9T$x$y', permissions: ['Receive', 'sendLocal'],
                       addresses: ['sales@example.org', '*@example.net', '*'],
                       limits: { messagesPerHour: 10, recipientsPerHour: 0 } },
                info: {} },
              bindDomains: 'example.org', subaddressSeparator: '+-',
              aliases: { postmaster: 'bob', 'sales@Example.org': ['bob', 'x@elsewhere.net', 'bob+s'], info: ['info', 'bob'] },
              catchAll: ['postmaster', 'bob@example.org'] }
            """)
        let bob = try #require(file.user("bob"))
        #expect(bob.senders == ["sales@example.org", "*@example.net", "*"])
        #expect(bob.messagesPerHour == 10 && bob.recipientsPerHour == 0)
        #expect(file.user("info") == AccountFile.User(name: "info"))
        #expect(
            file.aliases.map(\.targets) == [
                ["bob"], ["bob", "x@elsewhere.net", "bob+s"], ["info", "bob"],
            ])
        #expect(file.catchAll == ["postmaster", "bob@example.org"])
        #expect(file.subaddressSeparators == "+-")
        #expect(file.warnings.isEmpty)
    }

    static let mistakes: [(String, String)] = [
        ("[]", "group.json:1:1: is a list; give an object in { }"),
        ("{users: {}}", "group.json:1:1: has no bindDomains; name the group's mail domains there"),
        (
            "{bindDomain: []}",
            "group.json:1:2: bindDomain: unknown key; did you mean \"bindDomains\"?"
        ),
        (
            "{bindDomains: ['a b']}",
            "group.json:1:2: bindDomains: \"a b\" is no domain; give names such as \"example.org\""
        ),
        (
            "{bindDomains: [],\nusers: {'a/b': {}}}",
            "group.json:2:9: users.a/b: \"a/b\" cannot be a user's name; \"/\" is not allowed in a name"
        ),
        (
            "{bindDomains: [],\nusers: {a: {}, A: {}}}",
            "group.json:2:16: users.A: differs from user \"a\" only in case, and mail is delivered in any case; rename one of them"
        ),
        (
            "{bindDomains: [], users: {a: {pasword: 'x'}}}",
            "group.json:1:31: users.a.pasword: unknown key; did you mean \"password\"?"
        ),
        (
            "{bindDomains: [], users: {a: {permissions: ['recieve']}}}",
            "group.json:1:45: users.a.permissions[0]: \"recieve\" is no permission; did you mean \"receive\"?"
        ),
        (
            "{bindDomains: [], users: {a: {path: './usermanager/default/users/b'}}}",
            "group.json:1:31: users.a.path: mail of this user lies in usermanager/default/users/a, and not in ./usermanager/default/users/b; move the folder there, and remove the key"
        ),
        (
            "{bindDomains: [], users: {bob: {}}, aliases: {x: 'bobb'}}",
            "group.json:1:47: aliases.x: \"bobb\" is neither a user nor an alias; did you mean \"bob\"?"
        ),
        (
            "{bindDomains: ['example.org'], users: {}, aliases: {a: 'b', b: ['c@example.org'], c: 'a'}}",
            "group.json:1:53: aliases.a: leads back to itself: a → b → c → a; take one of them out"
        ),
        (
            "{bindDomains: ['example.org'], users: {}, aliases: {'a@example.com': 'x@y.z'}}",
            "group.json:1:53: aliases.a@example.com: example.com is none of the group's bindDomains; did you mean \"example.org\"?"
        ),
        (
            "{bindDomains: [], users: {}, catchAll: 'nobody'}",
            "group.json:1:30: catchAll: \"nobody\" is neither a user nor an alias; add the user, or give a whole address"
        ),
        (
            "{bindDomains: [], users: {a: {limits: {messagesPerHour: -1}}}}",
            "group.json:1:40: users.a.limits.messagesPerHour: -1 is out of range; give a number of messages from 0 to 10000000"
        ),
    ]

    @Test(arguments: mistakes) func namesTheMistake(_ text: String, _ expected: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.read(text) }
        #expect(error?.problems.contains { $0.description == expected } == true, "\(error as Any)")
    }

    @Test func keepsPasswordsToItself() throws {
        let file = try Self.read("{bindDomains: [], users: {a: {password: 'geheim'}}}")
        var text = ""
        dump(file, to: &text)
        #expect(!"\(file)\(String(reflecting: file))\(text)".contains("geheim"))
    }
}
