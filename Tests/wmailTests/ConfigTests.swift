// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import wmail

/// What a new configuration would change, and what is refused of it.
@Suite struct ConfigTests {
    private static func configuration() throws -> Configuration {
        var configuration = Configuration(places: Places(root: "/x"), hostname: "mail.example.org")
        configuration.groups = [GroupSettings(name: "default"), GroupSettings(name: "other")]
        configuration.listeners = [
            ListenerSettings(
                address: try #require(SocketAddress("127.0.0.1", port: 25)), service: .smtp,
                implicitTLS: false, group: "default", hostname: "mail.example.org")
        ]
        configuration.smarthosts = [
            Smarthost(host: "smart.example", port: 587, username: "u", password: "hush")
        ]
        return configuration
    }

    @Test func namesWhatChanges() throws {
        let old = try Self.configuration()
        var new = old
        new.reception.maxRecipients = 7
        new.groups.removeLast()
        let answer = ConfigCommand.Diff.answer(from: old, to: new, queued: Danger.Queued())
        #expect(answer.status == .good)
        #expect(
            answer.text(.plain) == """
                reception.maxRecipients: 100 → 7
                group other.certificates: [] → (gone)

                """)
        #expect(
            answer.json["changes"]?[0]
                == ["setting": "reception.maxRecipients", "old": 100, "new": 7])
        let same = ConfigCommand.Diff.answer(from: old, to: old, queued: Danger.Queued())
        #expect(same.text(.plain) == "Nothing would change.\n")
    }

    @Test func showsNoPassword() throws {
        let answer = ConfigCommand.Show.answer(try Self.configuration(), onlyChanged: false)
        #expect(!answer.json.compact.contains("hush"))
        #expect(!answer.text(.plain).contains("hush"))
        #expect(answer.text(.plain).contains("smarthost smart.example:587.password"))
    }

    @Test func saysWhatIsTheDefault() throws {
        var configuration = try Self.configuration()
        configuration.reception.maxRecipients = 7
        let answer = ConfigCommand.Show.answer(configuration, onlyChanged: true)
        let names = answer.json.elements?.compactMap { $0["setting"]?.string } ?? []
        #expect(names.contains("reception.maxRecipients"))
        #expect(!names.contains("reception.maxHeaderSize"))
        #expect(!names.contains { $0.hasPrefix("service") })
    }

    static let networks: [(String, Bool)] = [
        ("10.0.0.0/8", false), ("192.168.1.0/24", false), ("11.0.0.7/32", false),
        ("11.0.0.0/24", false), ("11.0.0.0/23", true), ("0.0.0.0/1", true), ("fc00::/7", false),
        ("2a00::/32", true), ("2a00:1:2::/48", false),
    ]

    @Test(arguments: networks) func refusesARelayForStrangers(network: String, isWide: Bool) throws
    {
        let old = try Self.configuration()
        var new = old
        new.listeners[0].allowRelayFrom = [try #require(IPNetwork(network))]
        let answer = ConfigCommand.Diff.answer(from: old, to: new, queued: Danger.Queued())
        #expect(answer.status == (isWide ? .no : .good))
        // What is there already is not for the reload to refuse.
        #expect(Danger.all(from: new, to: new, queued: Danger.Queued()).isEmpty)
    }

    @Test func refusesToOrphanMail() throws {
        let old = try Self.configuration()
        var new = old
        new.groups.removeLast()
        #expect(
            Danger.all(from: old, to: new, queued: Danger.Queued(local: ["other": 3])).map(\.what)
                == ["3 messages wait for users of group other, which would be gone"])
        #expect(
            Danger.all(from: old, to: new, queued: Danger.Queued(local: ["default": 3])).isEmpty)
        new = old
        new.transmit.methods = [.relay]
        new.smarthosts = []
        #expect(
            Danger.all(from: old, to: new, queued: Danger.Queued(remote: 2)).map(\.what)
                == ["2 messages wait for other servers, and there would be no way out"])
        new.smarthosts = old.smarthosts
        #expect(Danger.all(from: old, to: new, queued: Danger.Queued(remote: 2)).count == 1)
        #expect(Danger.all(from: old, to: new, queued: Danger.Queued()).isEmpty)
    }
}
