// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import authd

@Suite struct ClientNetworkTests {
    private func network(_ text: String) throws -> ClientNetwork {
        ClientNetwork(try #require(SocketAddress(text, port: 25)))
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("::ffff:192.0.2.1", "192.0.2.1", true),
        ("::FFFF:c000:0201", "192.0.2.1", true),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
        ("2001:db8:1:2::1", "2001:DB8:1:2::1", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("2001:db8::1", "32.1.13.184", false),
    ])
    func sameNetwork(_ one: String, _ two: String, _ same: Bool) throws {
        let (one, two) = (try network(one), try network(two))
        #expect((one == two) == same)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ])
    func text(_ text: String, _ expected: String) throws {
        #expect(try network(text).description == expected)
    }
}
