// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Testing

@testable import Policy

@Suite struct RoutingPolicyTests {
    typealias Ways = RelayEnvelope.Ways

    static let localMX = LocalMX(routes: [
        LocalMX.Route(domain: "friend.test", hosts: ["mail.friend.test"], ports: [465, 25]),
        LocalMX.Route(domain: "sub.friend.test", hosts: ["10.0.0.1", "10.0.0.2"]),
    ])

    static func policy(
        _ methods: [TransmitSettings.Method] = [.relay, .direct], noDirect: [String] = [],
        smarthosts: [Smarthost] = [], localMX: LocalMX = LocalMX(), ports: [UInt16] = [25],
        startTLS: Bool = true
    ) -> RoutingPolicy {
        var settings = TransmitSettings()
        settings.methods = methods
        settings.noDirect = noDirect
        settings.directPorts = ports
        settings.usesStartTLS = startTLS
        return RoutingPolicy(settings: settings, smarthosts: smarthosts, localMX: localMX)
    }

    static func sender(_ text: String = "a@x.test") throws -> ReversePath {
        text.isEmpty ? .null : .address(try #require(MailAddress(text)))
    }

    /// Each route in short: `smarthost 0`, `MX of d:25`, or hosts and ports.
    static func short(_ routing: Routing) -> [String] {
        switch routing {
        case .routes(let routes):
            routes.map { route in route.smarthost.map { "smarthost \($0)" } ?? "\(route)" }
        case .none(let outcome): ["\(outcome.result) \(outcome.status)"]
        }
    }

    /// The whole product: for each combination the rule, said in another way than the code says it.
    @Test func everyCombination() throws {
        let ways: [Ways] = [[], .smarthost, .direct, [.smarthost, .direct]]
        let methods: [[TransmitSettings.Method]] = [
            [], [.relay], [.direct], [.relay, .direct], [.direct, .relay],
        ]
        let general = Smarthost(host: "general.test")
        let fitting = Smarthost(host: "fitting.test", recipientDomains: ["friend.test"])
        let other = Smarthost(host: "other.test", senderDomains: ["elsewhere.test"])
        let smarthosts: [([Smarthost], [Int])] = [
            ([], []), ([general], [0]), ([other], []), ([general, other, fitting], [2, 0]),
        ]
        let domain = try #require(Domain("friend.test"))
        var seen = 0
        for ways in ways {
            for methods in methods {
                for isBarred in [false, true] {
                    for hasLocal in [false, true] {
                        for (hosts, order) in smarthosts {
                            let policy = Self.policy(
                                methods, noDirect: isBarred ? ["test"] : [], smarthosts: hosts,
                                localMX: hasLocal ? Self.localMX : LocalMX())
                            let result = Self.short(
                                policy.routing(to: domain, from: try Self.sender(), ways: ways))
                            let relayed =
                                methods.contains(.relay) && ways.contains(.smarthost)
                                ? order.map { "smarthost \($0)" } : []
                            let direct =
                                methods.contains(.direct) && ways.contains(.direct) && !isBarred
                                ? ["MX of friend.test:25"] : []
                            let expected: [String] =
                                if ways.isEmpty {
                                    ["permanent 5.7.1"]
                                } else if hasLocal {
                                    ["mail.friend.test:465,25"]
                                } else if !(relayed + direct).isEmpty {
                                    methods.first == .relay ? relayed + direct : direct + relayed
                                } else if ways == .direct, isBarred {
                                    ["permanent 5.7.1"]
                                } else {
                                    ["temporary 4.3.5"]
                                }
                            #expect(
                                result == expected,
                                "\(ways) \(methods) \(isBarred) \(hasLocal) \(hosts)")
                            seen += 1
                        }
                    }
                }
            }
        }
        #expect(seen == 320)
    }

    @Test(arguments: [
        ("friend.test", "mail.friend.test:465,25"), ("FRIEND.test", "mail.friend.test:465,25"),
        ("deep.in.friend.test", "mail.friend.test:465,25"),
        ("sub.friend.test", "10.0.0.1,10.0.0.2:25,587"),
        ("x.sub.friend.test", "10.0.0.1,10.0.0.2:25,587"),
        ("notfriend.test", "MX of notfriend.test:25,587"), ("test", "MX of test:25,587"),
        ("müller.test", "MX of xn--mller-kva.test:25,587"),
        ("[192.0.2.1]", "192.0.2.1:25,587"), ("[IPv6:2001:db8::1]", "2001:db8::1:25,587"),
    ])
    func domains(name: String, route: String) throws {
        let policy = Self.policy(localMX: Self.localMX, ports: [25, 587])
        let domain = try #require(Domain(name))
        #expect(
            Self.short(policy.routing(to: domain, from: try Self.sender(), ways: .direct))
                == [route])
    }

    @Test(arguments: [
        ("no.test", true), ("sub.no.test", true), ("NO.TEST", true), ("yesno.test", false),
    ])
    func noDirectMeansSubdomainsToo(name: String, isBarred: Bool) throws {
        let policy = Self.policy([.direct], noDirect: ["no.test"])
        let domain = try #require(Domain(name))
        let result = policy.routing(to: domain, from: try Self.sender(), ways: .direct)
        #expect(
            Self.short(result) == [isBarred ? "permanent 5.7.1" : "MX of \(name.lowercased()):25"])
    }

    static let hosts = [
        Smarthost(host: "general.test"),
        Smarthost(host: "sender.test", senderDomains: ["x.test"]),
        Smarthost(host: "recipient.test", recipientDomains: ["y.test"]),
        Smarthost(host: "both.test", senderDomains: ["x.test"], recipientDomains: ["y.test"]),
        Smarthost(host: "spare.test"),
    ]

    @Test(arguments: [
        ("a@x.test", "y.test", [3, 1, 2, 0, 4]), ("a@x.test", "z.test", [1, 0, 4]),
        ("a@sub.x.test", "sub.y.test", [3, 1, 2, 0, 4]), ("a@z.test", "y.test", [2, 0, 4]),
        ("a@z.test", "z.test", [0, 4]), ("", "y.test", [2, 0, 4]), ("", "z.test", [0, 4]),
        ("a@notx.test", "noty.test", [0, 4]),
    ])
    func smarthostsByDomains(sender: String, domain: String, order: [Int]) throws {
        let policy = Self.policy([.relay], smarthosts: Self.hosts)
        let result = policy.routing(
            to: try #require(Domain(domain)), from: try Self.sender(sender), ways: .smarthost)
        #expect(Self.short(result) == order.map { "smarthost \($0)" })
    }

    @Test func protection() throws {
        let domain = try #require(Domain("y.test"))
        func first(_ policy: RoutingPolicy) throws -> Route {
            let ways: Ways = [.smarthost, .direct]
            guard
                case .routes(let routes) = policy.routing(
                    to: domain, from: try Self.sender(), ways: ways)
            else { throw SystemError("routing", on: "y.test", code: 0) }
            return try #require(routes.first)
        }
        let direct = try first(Self.policy([.direct], ports: [465, 25]))
        #expect(direct.ports.map(\.protection) == [.implicit, .ifOffered])
        #expect(!direct.verifiesCertificate && direct.smarthost == nil)
        let plain = try first(Self.policy([.direct], ports: [465, 25], startTLS: false))
        #expect(plain.ports.map(\.protection) == [.implicit, .none])
        let table: [(Bool, Smarthost.StartTLS, Route.Protection)] = [
            (true, .never, .implicit), (true, .required, .implicit), (false, .required, .required),
            (false, .opportunistic, .ifOffered), (false, .never, .none),
        ]
        for (implicit, startTLS, protection) in table {
            let host = Smarthost(
                host: "s.test", port: 587, implicitTLS: implicit, startTLS: startTLS,
                connectTimeout: 7)
            let route = try first(Self.policy([.relay], smarthosts: [host]))
            #expect(route.ports == [Route.Port(number: 587, protection: protection)])
            #expect(route.verifiesCertificate && route.connectTimeout == 7)
        }
    }

    @Test func loginAsSender() throws {
        let hosts = [
            Smarthost(host: "s.test", username: "me@isp.test", usesUsernameAsSender: true),
            Smarthost(host: "t.test", username: "me", usesUsernameAsSender: true),
            Smarthost(host: "u.test", username: "me@isp.test"),
        ]
        let policy = Self.policy([.relay], smarthosts: hosts)
        guard
            case .routes(let routes) = policy.routing(
                to: try #require(Domain("y.test")), from: try Self.sender(), ways: .smarthost)
        else { throw SystemError("routing", on: "y.test", code: 0) }
        let own = try Self.sender()
        #expect(
            routes.map { "\(policy.sender(own, on: $0))" }
                == ["<me@isp.test>", "<a@x.test>", "<a@x.test>"])
        // A report stays one.
        #expect(routes.map { policy.sender(.null, on: $0) } == [.null, .null, .null])
    }
}
