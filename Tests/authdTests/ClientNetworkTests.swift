// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import authd

@Suite struct ClientNetworkTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("::ffff:192.0.2.1", "192.0.2.1", true),
        ("::FFFF:c000:0201", "192.0.2.1", true),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
        ("2001:db8:1:2::1", "2001:DB8:1:2::1", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("fe80::1%eth0", "fe80::2", true),
        ("2001:db8::1", "32.1.13.184", false),
    ])
    func sameNetwork(_ one: String, _ two: String, _ same: Bool) throws {
        let (one, two) = (try #require(ClientNetwork(one)), try #require(ClientNetwork(two)))
        #expect((one == two) == same)
    }

    @Test(arguments: ["", "192.0.2", "192.0.2.1:25", "[::1]", "host", "1.2.3.4 ", "::1\n"])
    func noAddress(_ text: String) {
        #expect(ClientNetwork(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.255.0.9", true), ("::1", true), ("::ffff:127.0.0.1", true),
        ("128.0.0.1", false), ("126.0.0.1", false), ("2001:db8::1", false), ("10.0.0.1", false),
    ])
    func loopback(_ text: String, _ expected: Bool) throws {
        #expect(try #require(ClientNetwork(text)).isLoopback == expected)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ])
    func text(_ text: String, _ expected: String) throws {
        #expect(try #require(ClientNetwork(text)).description == expected)
    }
}
