// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import wmail

/// What the DNS says, and the record that mends it.
@Suite struct DNSCheckTests {
    static let check = DNSCheck(
        host: "mail.example.org", domains: ["example.org"],
        ownAddresses: [SocketAddress(octets: [11, 0, 0, 1], port: 0)], sendsDirectly: true)
    static let address = SocketAddress(octets: [11, 0, 0, 1], port: 0)

    @Test func theNameLeadsHere() {
        #expect(Self.check.verdict(onAddresses: [Self.address]).kind == .ok)
        let elsewhere = SocketAddress(octets: [11, 0, 0, 2], port: 0)
        #expect(
            Self.check.verdict(onAddresses: [elsewhere])
                == .warn(
                    "dns.host", "mail.example.org",
                    "leads to 11.0.0.2, which is no address of this host",
                    cure: "mail.example.org. IN A 11.0.0.1"))
    }

    static let names: [(Result<[String], ResolverError>, Verdict.Kind)] = [
        (.success(["mail.example.org"]), .ok), (.success(["a.b", "mail.example.org"]), .ok),
        (.success(["static-1.provider.example"]), .fail), (.failure(.noSuchName), .fail),
        (.failure(.temporary("x")), .skipped),
    ]

    @Test(arguments: names)
    func theAddressLeadsBack(names: Result<[String], ResolverError>, kind: Verdict.Kind) {
        let verdict = Self.check.verdict(onNames: names, of: Self.address)
        #expect(verdict.kind == kind)
        if kind == .fail {
            #expect(verdict.cure.hasPrefix("1.0.0.11.in-addr.arpa. IN PTR mail.example.org.\n"))
        }
    }

    @Test func mailComesHere() {
        func kind(_ hosts: Result<[String], ResolverError>) -> Verdict.Kind {
            Self.check.verdict(onExchangers: hosts, of: "example.org").kind
        }
        #expect(kind(.success(["mx.b.example", "mail.example.org"])) == .ok)
        #expect(kind(.success(["mx.b.example"])) == .warn)
        #expect(kind(.failure(.noRecord)) == .fail)
        #expect(
            Self.check.verdict(onExchangers: .failure(.noRecord), of: "example.org").cure
                == "example.org. IN MX 10 mail.example.org.")
    }

    static let records: [(texts: [String], isExchanger: Bool, kind: Verdict.Kind)] = [
        (["v=spf1 mx -all"], true, .ok), (["v=spf1 mx -all"], false, .fail),
        (["V=SPF1 MX ~all"], true, .ok), (["v=spf1 a:mail.example.org -all"], false, .ok),
        (["v=spf1 ip4:11.0.0.0/8 -all"], false, .ok),
        (["v=spf1 ip4:12.0.0.0/8 -all"], false, .fail),
        (["v=spf1 -ip4:11.0.0.1 +all"], false, .fail), (["v=spf1 +all"], false, .ok),
        (["v=spf1 include:x.example -all"], false, .ok),
        (["v=spf1 ip6:2001:db8::/32 -all"], false, .fail),
        (["v=spf1 redirect=x.example"], false, .ok), (["v=spf10 mx"], true, .fail),
        (["other", "v=spf1 mx"], true, .ok), (["v=spf1 mx", "v=spf1 a"], true, .fail),
        ([], true, .fail),
    ]

    @Test(arguments: records)
    func theDomainLetsUsSend(texts: [String], isExchanger: Bool, kind: Verdict.Kind) {
        let verdict = Self.check.verdict(
            onTexts: .success(texts), of: "example.org", addresses: [Self.address],
            isExchanger: isExchanger)
        #expect(verdict.kind == kind, "\(verdict)")
        if kind == .fail {
            #expect(verdict.cure.contains("example.org. IN TXT \"v=spf1 mx -all\""))
        }
    }

    @Test func dmarc() {
        #expect(
            Self.check.verdict(onPolicies: .success(["v=DMARC1; p=none"]), of: "example.org").kind
                == .ok)
        #expect(
            Self.check.verdict(onPolicies: .failure(.noSuchName), of: "example.org").kind == .warn)
    }

    @Test(arguments: [
        ("example.org", true), ("localhost", false), ("host.local", false), ("127.0.0.1", false),
        ("x.lan", false), ("example.test", true),
    ])
    func namesThatAreNobodys(domain: String, isPublishable: Bool) {
        #expect(DNSCheck.isPublishable(domain) == isPublishable)
    }
}
