// SPDX-License-Identifier: Apache-2.0

extension SocketAddress {
    /// The name whose PTR record names the host (RFC 1035 §3.5, RFC 3596 §2.5), without a dot at its end.
    package var reverseName: String {
        guard isIPv6 else {
            return octets.reversed().map { String($0) }.joined(separator: ".") + ".in-addr.arpa"
        }
        return octets.reversed().flatMap { [$0 & 15, $0 >> 4] }.map { String($0, radix: 16) }
            .joined(separator: ".") + ".ip6.arpa"
    }
}
