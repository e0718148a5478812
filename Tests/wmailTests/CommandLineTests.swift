// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Testing

@testable import wmail

/// Where people write options, and what they answer.
@Suite struct CommandLineTests {
    static let lines: [(String, String)] = [
        ("queue list --root D", "queue list --root D"),
        ("--root D queue list", "queue list --root D"),
        ("queue --root D list --sender x", "queue list --root D --sender x"),
        (
            "--json --root=D user add a --permit receive",
            "user add --json --root=D a --permit receive"
        ),
        ("--root D queue", "queue --root D"), ("--root D", ""), ("--root D --version", "--version"),
        ("--root queue list", "list"),
        ("--root D queue remove -- --json", "queue remove --root D -- --json"),
        ("usr --root D", "usr --root D"), ("", ""),
    ]

    @Test(arguments: lines) func optionsMayStandInFront(line: String, meant: String) {
        let words = LeadingOptions.movedBack(line.split(separator: " ").map(String.init))
        #expect(words.joined(separator: " ") == meant)
    }

    @Test func allIsAChoiceOfItsOwn() throws {
        #expect(throws: (any Error).self) { try Wmail.parseAsRoot(["queue", "hold"]) }
        #expect(throws: (any Error).self) {
            try Wmail.parseAsRoot(["queue", "hold", "--all", "x"])
        }
        #expect(try Wmail.parseAsRoot(["queue", "retry", "--all"]) is QueueRetry)
        #expect(try Wmail.parseAsRoot(["queue", "remove", "--all"]) is QueueRemove)
    }

    @Test(arguments: [
        ("alice", "alice"), ("alice@example.org", "alice"), ("Alice@EXAMPLE.org", "Alice"),
    ])
    func aUserMayBeAnAddress(word: String, name: String) throws {
        #expect(try InitPlan.user(word, of: "example.org") == name)
    }

    @Test func aUserOfAnotherDomainIsRefused() {
        #expect(throws: Failure.self) { try InitPlan.user("alice@example.net", of: "example.org") }
    }

    static let causes: [(Int32, String)] = [
        (13, "as root"), (1, "as root"), (28, "df -h"), (122, "quota"), (30, "read-only"),
    ]

    @Test(arguments: causes) func systemErrorsNameTheirCure(code: Int32, words: String) {
        #expect(Failure(SystemError("open", on: "/x", code: code)).cure.contains(words))
    }
}
