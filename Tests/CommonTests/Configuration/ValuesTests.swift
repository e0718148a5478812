// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct ValuesTests {
    static let networks: [(String, String?)] = [
        ("127.0.0.1", "127.0.0.1"), ("10.1.2.3/8", "10.0.0.0/8"),
        ("192.0.2.129/25", "192.0.2.128/25"),
        ("0.0.0.0/0", "0.0.0.0/0"), ("::1", "::1"), ("2001:DB8:ff::1/32", "2001:db8::/32"),
        ("::/0", "::/0"), ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("", nil), ("10.0.0.0/33", nil), ("10.0.0.0/-1", nil), ("10.0.0.0/", nil),
        ("10.0.0.0/08", nil),
        ("10.0.0.0/+8", nil), ("::/129", nil), ("10.0.0", nil), ("localhost", nil),
        ("10.0.0.0/8/8", nil), ("::ffff:10.0.0.0/8", nil), (" 10.0.0.1", nil),
        ("1.2.3.4\u{0}", nil),
    ]

    @Test(arguments: networks) func readsNetworks(_ text: String, _ expected: String?) {
        #expect(IPNetwork(text)?.description == expected)
    }

    @Test func knowsWhatANetworkHolds() throws {
        let cases: [(String, String, Bool)] = [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true), ("192.0.2.128/25", "192.0.2.127", false),
            ("192.0.2.128/25", "192.0.2.200", true), ("2001:db8::/33", "2001:db8:7fff::", true),
            ("2001:db8::/33", "2001:db8:8000::", false), ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false), ("::/0", "2001:db8::", true), ("::/0", "10.0.0.1", false),
            ("::1", "::1", true), ("127.0.0.1", "127.0.0.2", false),
        ]
        for (network, address, expected) in cases {
            let range = try #require(IPNetwork(network))
            let client = try #require(SocketAddress(address, port: 25))
            #expect(range.contains(client) == expected, "\(network) \(address)")
            #expect([range].contains(client) == expected)
        }
        #expect(IPNetwork.loopback.map(\.description) == ["127.0.0.0/8", "::1"])
    }

    static let wildcards: [(String, String, Bool)] = [
        ("example.org", "EXAMPLE.org", true), ("example.org", "a.example.org", false),
        ("*.example.org", "a.b.example.org", true), ("*.example.org", "example.org", false),
        ("*", "", true), ("", "", true), ("", "a", false), ("?", "ä", true), ("?", "ab", false),
        ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false), ("**", "x", true),
        ("[a-c]x", "bx", true), ("[a-c]x", "dx", false), ("[!a-c]x", "dx", true),
        ("[!a-c]x", "ax", false),
        ("[]]", "]", true), ("[a", "[a", true), ("[a", "a", false), ("[ab-]", "-", true),
        ("*[0-9]", "a7", true),
        ("[", "[", true), ("[!", "[!", true),
        (String(repeating: "*a", count: 30), String(repeating: "a", count: 40) + "b", false),
    ]

    @Test(arguments: wildcards) func matchesLikeFnmatch(
        _ pattern: String, _ text: String, _ expected: Bool
    ) {
        #expect(Wildcard(pattern).matches(text) == expected)
    }

    @Test func decidesOnAnonymousRecipients() {
        var relay = AnonymousRelay()
        #expect(relay.permits(localPart: "a", domain: "b"))
        relay.isAllowed = true
        relay.whitelist = [Wildcard("*.good"), Wildcard("me@any")]
        relay.blacklist = [Wildcard("bad.good"), Wildcard("worse")]
        let cases: [(AnonymousRelay.Mode, String, String, Bool)] = [
            (.disable, "x", "worse", true), (.whitelist, "x", "a.good", true),
            (.whitelist, "x", "bad.good", false),
            (.whitelist, "me", "ANY", true), (.whitelist, "x", "any", false),
            (.blacklist, "x", "any", true),
            (.blacklist, "x", "Worse", false),
        ]
        for (mode, localPart, domain, expected) in cases {
            relay.mode = mode
            #expect(relay.permits(localPart: localPart, domain: domain) == expected)
        }
    }

    @Test func findsTheNearestKey() {
        let known = ["bindIP", "ssl", "userGroup", "maxRecipients", "whitelist"]
        let cases: [(String, String?)] = [
            ("bindip", "bindIP"), ("usergruop", "userGroup"), ("maxRecipient", "maxRecipients"),
            ("sll", "ssl"), ("witelist", "whitelist"), ("x", nil), ("completelyElse", nil),
        ]
        for (word, expected) in cases {
            #expect(KeySpelling.nearest(to: word, among: known) == expected)
        }
        #expect(KeySpelling.distance("ca", "abc") == 3)
        #expect(KeySpelling.distance("abcd", "acbd") == 1)
        #expect(KeySpelling.distance("", "abc") == 3)
    }

    @Test func knowsTheOtherSpelling() {
        let cases = [
            ("bindIP", "bind_ip"), ("POP3Services", "pop3_services"),
            ("SMTPServices", "smtp_services"),
            ("useRelayUsernameAsSender", "use_relay_username_as_sender"), ("useSSL", "use_ssl"),
            ("disableSslPorts", "disable_ssl_ports"), ("ssl", "ssl"), ("mailTry", "mail_try"),
        ]
        for (key, expected) in cases { #expect(KeySpelling.snakeCase(key) == expected) }
    }

    @Test func knowsNamesOfFolders() {
        for name in ["a", "Bob.Smith", "o'neil", "müller", "a+b", "x_y-z", "日本"] {
            #expect(FolderName.fault(in: name) == nil, "\(name)")
        }
        for name in [
            "", ".", "..", ".a", "-a", "a/b", "a\\b", "a@b", "a b", "a:b", "a,b", "a\n", "a\0",
            "a\u{A0}", String(repeating: "x", count: 65),
        ] {
            #expect(FolderName.fault(in: name) != nil, "\(name)")
        }
    }

    @Test func knowsHostNames() {
        for name in [
            "a", "mail.example.org", "127.0.0.1", "xn--bcher-kva.example", "bücher.example",
            "a_b.c",
        ] {
            #expect(HostName.isValid(name), "\(name)")
        }
        for name in [
            "", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "a b", "a/b", "a@b",
            String(repeating: "a", count: 64),
        ] {
            #expect(!HostName.isValid(name), "\(name)")
        }
    }
}
