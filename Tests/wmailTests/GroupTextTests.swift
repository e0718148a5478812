// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import wmail

/// What a change makes of the text that a person has written.
@Suite struct GroupTextTests {
    static let text = """
        // Ours.
        {
            "users": {
                "alice": { "permissions": ["receive"], "x": 1 }, // the boss
                "bob": {
                    "password": "secret",   // to be changed
                    "permissions": ["receive"]
                }
            },
            "bind_domains": ["example.org"],
            "aliases": { "info": "alice" }, // trailing
        }
        """

    private static func changed(
        _ body: (inout GroupText) throws(Failure) -> Void
    ) throws -> String {
        var text = GroupText(try JSONEditor(Array(Self.text.utf8)))
        try body(&text)
        return String(decoding: text.editor.bytes, as: UTF8.self)
    }

    private static func with(_ old: String, _ new: String) -> String {
        text.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }

    @Test func addsAUserBehindTheOthers() throws {
        let changed = try Self.changed { text throws(Failure) in
            try text.addUser("carol", hash: "$y$1", permissions: [.receive, .sendRelay])
        }
        let expected = Self.with(
            """
                        "permissions": ["receive"]
                    }

            """,
            """
                        "permissions": ["receive"]
                    },
                    "carol": {
                        "password": "$y$1",
                        "permissions": ["receive", "sendrelay"]
                    }

            """)
        #expect(changed == expected)
    }

    @Test func aUserWithoutPasswordHasNoSuchKey() throws {
        let changed = try Self.changed { text throws(Failure) in
            try text.addUser("carol", hash: nil, permissions: .receive)
        }
        let json = try JSON(parsing: Array(changed.utf8))
        #expect(json["users"]?["carol"] == ["permissions": ["receive"]])
    }

    @Test(arguments: ["alice", "ALICE"]) func refusesAUserWhoIsThere(name: String) {
        #expect(
            throws: Failure(
                "there is already a user alice",
                cure: "wmail user passwd alice   # a new password for this one")
        ) {
            try Self.changed { text throws(Failure) in
                try text.addUser(name, hash: nil, permissions: [])
            }
        }
    }

    @Test func setsAPasswordWhereThereIsOneAndWhereThereIsNone() throws {
        let bob = try Self.changed { text throws(Failure) in
            try text.setPassword("$y$2", of: "Bob")
        }
        #expect(bob == Self.with("\"secret\"", "\"$y$2\""))
        let alice = try Self.changed { text throws(Failure) in
            try text.setPassword("$y$2", of: "alice")
        }
        #expect(alice == Self.with("\"x\": 1", "\"x\": 1, \"password\": \"$y$2\""))
    }

    @Test func removesAUserWithNothingElse() throws {
        let changed = try Self.changed { text throws(Failure) in try text.removeUser("alice") }
        #expect(
            changed
                == Self.with(
                    "        \"alice\": { \"permissions\": [\"receive\"], \"x\": 1 }, // the boss\n",
                    ""))
        #expect(throws: Failure("there is no user dora", cure: "there are: alice, bob")) {
            try Self.changed { text throws(Failure) in try text.removeUser("dora") }
        }
    }

    @Test func knowsTheOtherSpellingOfAKey() throws {
        let added = try Self.changed { text throws(Failure) in try text.addDomain("example.net") }
        #expect(added == Self.with("[\"example.org\"]", "[\"example.org\", \"example.net\"]"))
        let removed = try Self.changed { text throws(Failure) in
            try text.addDomain("example.net")
            try text.removeDomain("EXAMPLE.org")
        }
        #expect(removed == Self.with("[\"example.org\"]", "[\"example.net\"]"))
        #expect(throws: Failure("Example.org is already a domain of this group")) {
            try Self.changed { text throws(Failure) in try text.addDomain("Example.org") }
        }
    }

    @Test func anAliasGrowsAndShrinks() throws {
        var left: [[String]] = []
        let changed = try Self.changed { text throws(Failure) in
            left.append(try text.addAlias("Info", to: ["bob", "ALICE", "eve@example.net"]))
            left.append(try text.removeAlias("info", to: ["bob"]))
            left.append(try text.addAlias("sales", to: ["bob"]))
            left.append(try text.removeAlias("info", to: []))
        }
        #expect(
            left == [
                ["alice", "bob", "eve@example.net"], ["alice", "eve@example.net"], ["bob"], [],
            ])
        #expect(changed == Self.with("{ \"info\": \"alice\" }", "{ \"sales\": \"bob\" }"))
        #expect(
            throws: Failure("alias info does not lead to bob", cure: "it leads to alice")
        ) {
            try Self.changed { text throws(Failure) in
                _ = try text.removeAlias("info", to: ["bob"])
            }
        }
    }

    @Test func makesTheKeysThatAreMissing() throws {
        var text = GroupText(try JSONEditor(Array("{}".utf8)))
        try text.addDomain("example.org")
        try text.addUser("a", hash: nil, permissions: .receive)
        _ = try text.addAlias("b", to: ["a"])
        #expect(
            text.editor.json == [
                "bindDomains": ["example.org"], "users": ["a": ["permissions": ["receive"]]],
                "aliases": ["b": "a"],
            ])
    }
}
