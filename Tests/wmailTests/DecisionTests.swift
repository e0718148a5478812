// SPDX-License-Identifier: Apache-2.0
import Common
import Directory
import Mail
import Testing

@testable import Policy
@testable import wmail

/// What `wmail route` says of who may send what to whom.
@Suite struct DecisionTests {
    static let text = """
        {
            "users": {
                "alice": { "password": "secret one", "permissions": ["receive", "sendlocal", "sendrelay"] },
                "bob": { "password": "secret two", "permissions": ["receive", "sendoutside"] },
                "mute": { "password": "secret", "permissions": [] }
            },
            "bindDomains": ["example.org"],
            "aliases": { "all": ["alice", "bob", "x@far.example"] }
        }
        """

    struct Case: Sendable, CustomTestStringConvertible {
        let from: String
        let to: String
        var auth: String?
        var port: UInt16 = 25
        var client = "192.0.2.1"
        /// The reply's codes; nil when accepted.
        let reply: String?
        var testDescription: String { "\(from) \(to) \(auth ?? "-") \(port) \(client)" }
    }

    static let cases: [Case] = [
        Case(from: "x@far.example", to: "alice@example.org", reply: nil),
        Case(from: "", to: "ALICE+tag@Example.ORG", reply: nil),
        Case(from: "x@far.example", to: "nobody@example.org", reply: "550 5.1.1"),
        Case(from: "x@far.example", to: "mute@example.org", reply: "550 5.2.1"),
        Case(from: "alice@example.org", to: "bob@example.org", reply: "550 5.7.1"),
        Case(from: "x@far.example", to: "y@far.example", reply: "530 5.7.0"),
        Case(from: "x@far.example", to: "y@far.example", client: "10.0.0.7", reply: nil),
        Case(from: "x@far.example", to: "alice@example.org", port: 587, reply: "530 5.7.0"),
        Case(from: "alice@example.org", to: "y@far.example", auth: "alice", port: 587, reply: nil),
        Case(
            from: "bob@example.org", to: "alice@example.org", auth: "bob", port: 587,
            reply: "550 5.7.1"),
        Case(from: "bob@example.org", to: "y@far.example", auth: "bob", port: 587, reply: nil),
        Case(
            from: "alice@example.org", to: "y@far.example", auth: "bob", port: 587,
            reply: "553 5.7.1"),
        Case(
            from: "mute@example.org", to: "y@far.example", auth: "mute", port: 587,
            reply: "550 5.7.1"),
    ]

    private static func listener(
        _ port: UInt16, _ auth: LoginPolicy, relays: String = "10.0.0.0/24"
    ) throws -> ListenerSettings {
        ListenerSettings(
            address: try #require(SocketAddress("127.0.0.1", port: port)), service: .smtp,
            implicitTLS: false, group: "default", auth: auth,
            allowRelayFrom: [try #require(IPNetwork(relays))], hostname: "mail.example.org")
    }

    private static func configuration() throws -> Configuration {
        var configuration = Configuration(places: Places(root: "/x"), hostname: "mail.example.org")
        configuration.listeners = [try listener(25, .optional), try listener(587, .required)]
        configuration.smarthosts = [Smarthost(host: "smart.example", port: 465, implicitTLS: true)]
        return configuration
    }

    private static func decision(_ test: Case) throws -> Decision {
        let configuration = try configuration()
        let file = try AccountFile.read(Array(text.utf8), group: "default", path: "/x")
        return try Decision(
            Decision.Question(
                sender: test.from.isEmpty
                    ? .null : .address(try #require(MailAddress(test.from))),
                recipient: try #require(MailAddress(test.to)), login: test.auth,
                client: try #require(SocketAddress(test.client, port: 0)),
                listener: try RouteCommand.listener(
                    test.port, isLogin: test.auth != nil, in: configuration)),
            configuration: configuration, directory: GroupDirectory(file))
    }

    @Test(arguments: cases) func decides(test: Case) throws {
        let decision = try Self.decision(test)
        switch decision.outcome {
        case .accepted: #expect(test.reply == nil, "\(decision)")
        case .refused(let reply, let reason):
            #expect(reply == test.reply, "\(decision)")
            #expect(!reason.isEmpty)
        }
    }

    @Test func anAliasLeadsHereAndOnward() throws {
        let decision = try Self.decision(
            Case(from: "x@far.example", to: "all@example.org", reply: nil))
        guard case .accepted(let accounts, let onward, let ways) = decision.outcome else {
            Issue.record("\(decision)")
            return
        }
        #expect(accounts.map(\.user) == ["alice", "bob"])
        #expect(onward == [try #require(MailAddress("x@far.example"))])
        #expect(ways == [.smarthost, .direct])
    }

    @Test func saysItForPeopleAndPrograms() throws {
        let decision = try Self.decision(
            Case(
                from: "alice@example.org", to: "y@far.example", auth: "alice", port: 587, reply: nil
            ))
        let path = Path(
            kind: "smarthost", servers: ["smart.example"],
            ports: [Route.Port(number: 465, protection: .implicit)], verifiesCertificate: true)
        let address = try #require(MailAddress("y@far.example"))
        let answer = RouteCommand.answer(decision, [(address, [path], nil)])
        #expect(answer.status == .good)
        #expect(
            answer.text(.plain) == """
                service    127.0.0.1:587, group default, login required
                login      alice may receive sendlocal sendrelay
                client     192.0.2.1
                sender     <alice@example.org>: an address that the login may use
                recipient  <y@far.example>: in a domain that is not of group default
                decision   accepted
                send on    to <y@far.example>
                           1. smarthost: smart.example; port 465, TLS from the first octet, certificate must be right

                """)
        #expect(
            answer.json["onward"]?[0]?["paths"]?[0] == [
                "kind": "smarthost", "servers": ["smart.example"],
                "ports": [["port": 465, "tls": "implicit"]], "verifiesCertificate": true,
                "trouble": .null,
            ])
    }

    @Test func choosesTheService() throws {
        let configuration = try Self.configuration()
        #expect(
            try RouteCommand.listener(nil, isLogin: true, in: configuration).address.port == 587)
        #expect(
            try RouteCommand.listener(nil, isLogin: false, in: configuration).address.port == 25)
        #expect(throws: Failure("no SMTP service has port 26", cure: "there are 25, 587")) {
            try RouteCommand.listener(26, isLogin: false, in: configuration)
        }
    }
}
