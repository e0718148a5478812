// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct ProxyHeaderTests {
    static let four = SocketAddress(octets: [192, 0, 2, 1], port: 56324)
    static let six = SocketAddress("2001:db8::7", port: 4000)

    static func binary(_ command: UInt8, _ family: UInt8, _ body: [UInt8]) -> [UInt8] {
        [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
            + [0x20 | command, family, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
    }
    static let fourBody: [UInt8] = [192, 0, 2, 1, 192, 0, 2, 2, 0xDC, 0x04, 0, 25]
    static let sixBody: [UInt8] =
        [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [7]
        + [UInt8](repeating: 1, count: 16) + [0x0F, 0xA0, 0, 25]

    static let good: [([UInt8], SocketAddress?)] = [
        (Array("PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n".utf8), four),
        (Array("PROXY TCP6 2001:db8::7 2001:db8::8 4000 25\r\n".utf8), six),
        (Array("PROXY UNKNOWN\r\n".utf8), nil),
        (Array("PROXY UNKNOWN ffff::1 whatever 1 2\r\n".utf8), nil),
        (binary(1, 0x11, fourBody), four),
        (binary(1, 0x11, fourBody + [3, 0, 4, 1, 2, 3, 4]), four),
        (binary(1, 0x21, sixBody), six),
        (binary(0, 0x00, []), nil),
        (binary(0, 0x11, fourBody), nil),
    ]

    @Test(arguments: good)
    func complete(bytes: [UInt8], client: SocketAddress?) {
        #expect(ProxyHeader(parsing: bytes) == .complete(client: client, octets: bytes.count))
        let more = bytes + Array("EHLO x\r\n".utf8)
        #expect(ProxyHeader(parsing: more) == .complete(client: client, octets: bytes.count))
        for count in bytes.indices {
            #expect(ProxyHeader(parsing: Array(bytes[..<count])) == .incomplete)
        }
    }

    @Test(arguments: [
        "EHLO x\r\n", "PROXY\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\n", "PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 25\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 056 25\r\n", "PROXY TCP4 192.0.2.1  192.0.2.2 56 25\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 25\r\n", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n",
    ])
    func badLine(text: String) {
        #expect(ProxyHeader(parsing: Array(text.utf8)) == .invalid)
    }

    @Test func badBinary() {
        var wrongVersion = Self.binary(1, 0x11, Self.fourBody)
        wrongVersion[12] = 0x11
        #expect(ProxyHeader(parsing: wrongVersion) == .invalid)
        #expect(ProxyHeader(parsing: Self.binary(2, 0x11, Self.fourBody)) == .invalid)
        #expect(ProxyHeader(parsing: Self.binary(1, 0x12, Self.fourBody)) == .invalid)
        #expect(ProxyHeader(parsing: Self.binary(1, 0x11, [1, 2, 3])) == .invalid)
        let endless = Array(Self.binary(1, 0x11, [])[..<14]) + [0xFF, 0xFF]
        #expect(ProxyHeader(parsing: endless) == .invalid)
    }

    @Test func anEndlessLineIsRefused() {
        let bytes = Array(("PROXY UNKNOWN " + String(repeating: "x", count: 200)).utf8)
        #expect(ProxyHeader(parsing: bytes) == .invalid)
    }
}
