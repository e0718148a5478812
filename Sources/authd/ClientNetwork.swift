// SPDX-License-Identifier: Apache-2.0
import Common

/// What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which is what one customer
/// of a provider has at the least and may change within at will.
nonisolated struct ClientNetwork: Hashable, Sendable, CustomStringConvertible {
    /// The prefix of an IPv6 address; an IPv4 address lies in 0:1:a.b.c.d::/64, which nobody is given.
    private let bits: UInt64

    private static let ofIPv4: UInt64 = 1 << 32

    /// The network of an address; an IPv4-mapped IPv6 address is its IPv4 address.
    init(_ address: SocketAddress) {
        let number = address.octets.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        bits = address.isIPv6 ? number : Self.ofIPv4 | number
    }

    var description: String {
        let octets = (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
        if bits >> 32 == 1 { return SocketAddress(octets: Array(octets[4...]), port: 0).host }
        let zeros = [UInt8](repeating: 0, count: 8)
        return SocketAddress(octets: octets + zeros, port: 0).host + "/64"
    }
}
