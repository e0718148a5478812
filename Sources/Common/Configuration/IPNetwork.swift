// SPDX-License-Identifier: Apache-2.0

/// A range of IP addresses in the notation of RFC 4632 and RFC 4291 §2.3, such as `192.0.2.0/24` or `2001:db8::/32`.
package struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 octets in network order; the bits behind the prefix are zero.
    package let octets: [UInt8]
    /// How many leading bits count.
    package let prefixLength: Int

    /// Reads an address or a range; nil when it is neither.
    ///
    /// Bits behind the prefix are dropped: `127.0.0.1/8` is `127.0.0.0/8`. An IPv4-mapped IPv6 range is the IPv4 one.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = parts.first, let address = SocketAddress(String(host), port: 0) else {
            return nil
        }
        // SocketAddress gives a mapped address as IPv4; a prefix written for it counts from 128 bits.
        let isMapped = !address.isIPv6 && host.contains(":")
        var length = address.octets.count * 8
        if parts.count == 2 {
            let digits = parts[1]
            guard let number = Int(digits), String(number) == digits, number >= 0 else {
                return nil
            }
            let shown = isMapped ? number - 96 : number
            guard (0...length).contains(shown) else { return nil }
            length = shown
        }
        self.init(octets: address.octets, prefixLength: length)
    }

    /// A range of addresses of the same family as `octets`.
    private init(octets: [UInt8], prefixLength: Int) {
        self.prefixLength = prefixLength
        self.octets = octets.enumerated().map { index, octet in
            octet & Self.mask(octet: index, prefixLength: prefixLength)
        }
    }

    /// Whether an address lies in the range; an IPv4-mapped IPv6 address counts as IPv4.
    package func contains(_ address: SocketAddress) -> Bool {
        guard address.octets.count == octets.count else { return false }
        for (index, octet) in address.octets.enumerated()
        where octet & Self.mask(octet: index, prefixLength: prefixLength) != octets[index] {
            return false
        }
        return true
    }

    /// Every address of this machine's loopback interface.
    package static let loopback = [
        IPNetwork(octets: [127, 0, 0, 0], prefixLength: 8),
        IPNetwork(octets: [UInt8](repeating: 0, count: 15) + [1], prefixLength: 128),
    ]

    /// Whether every address there is lies in the range: `0.0.0.0/0` or `::/0`.
    package var isEverything: Bool { prefixLength == 0 }

    /// In the notation that ``init(_:)`` reads.
    package var description: String {
        let host = SocketAddress(octets: octets, port: 0).host
        return prefixLength == octets.count * 8 ? host : "\(host)/\(prefixLength)"
    }

    private static func mask(octet index: Int, prefixLength: Int) -> UInt8 {
        let bits = min(8, max(0, prefixLength - index * 8))
        return bits == 0 ? 0 : 0xFF << UInt8(8 - bits)
    }
}

extension [IPNetwork] {
    /// Whether any of the ranges holds the address.
    package func contains(_ address: SocketAddress) -> Bool {
        contains { $0.contains(address) }
    }
}
