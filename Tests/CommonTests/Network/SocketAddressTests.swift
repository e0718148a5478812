// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1:25", true),
        ("192.0.2.255", "192.0.2.255", "192.0.2.255:25", false),
        ("::1", "::1", "[::1]:25", true),
        ("2001:DB8:0:0::1", "2001:db8::1", "[2001:db8::1]:25", false),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1:25", false),
    ])
    func text(given: String, host: String, description: String, isLoopback: Bool) throws {
        let address = try #require(SocketAddress(given, port: 25))
        #expect(address.host == host)
        #expect(address.description == description)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: [
        "", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", ":::", "[::1]", "1.2.3.4 ",
    ])
    func noAddress(text: String) {
        #expect(SocketAddress(text, port: 25) == nil)
    }

    @Test(arguments: ["127.0.0.1", "2001:db8::1"])
    func systemForm(text: String) throws {
        let address = try #require(SocketAddress(text, port: 2525))
        let length = address.withSocketAddress { _, length in length }
        #expect(length == (address.isIPv6 ? 28 : 16))
    }
}
