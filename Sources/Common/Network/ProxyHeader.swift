// SPDX-License-Identifier: Apache-2.0

/// What a trusted proxy says of the connection that it passes on: the PROXY protocol of HAProxy, versions 1 and 2
/// (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).
package enum ProxyHeader: Equatable, Sendable {
    /// The header is not complete yet.
    case incomplete
    /// A complete header of so many octets; the client is nil when the proxy speaks for itself (LOCAL, UNKNOWN).
    case complete(client: SocketAddress?, octets: Int)
    /// The bytes are no such header.
    case invalid

    /// The longest version 1 line, CRLF included.
    private static let longestLine = 107
    /// The longest version 2 header that is waited for: 216 octets of addresses and room for TLVs.
    private static let longestBinary = 16 + 4096
    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    /// Reads a header from the first bytes of a connection.
    ///
    /// - Parameter bytes: All that has come so far.
    package init(parsing bytes: [UInt8]) {
        let matching = min(bytes.count, Self.signature.count)
        if bytes.isEmpty {
            self = .incomplete
        } else if bytes[..<matching] == Self.signature[..<matching] {
            self = matching < Self.signature.count ? .incomplete : Self.binary(bytes)
        } else {
            self = Self.line(bytes)
        }
    }

    // MARK: Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 25"

    private static func line(_ bytes: [UInt8]) -> ProxyHeader {
        let word = Array("PROXY ".utf8)
        let matching = min(bytes.count, word.count)
        guard bytes[..<matching] == word[..<matching] else { return .invalid }
        guard let end = bytes.prefix(longestLine).firstIndex(of: 0x0A) else {
            return bytes.count < longestLine ? .incomplete : .invalid
        }
        guard end > 0, bytes[end - 1] == 0x0D,
            bytes[..<(end - 1)].allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else { return .invalid }
        let text = String(decoding: bytes[..<(end - 1)], as: UTF8.self)
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count >= 2 else { return .invalid }
        if parts[1] == "UNKNOWN" { return .complete(client: nil, octets: end + 1) }
        guard parts.count == 6, parts[1] == "TCP4" || parts[1] == "TCP6",
            let sourcePort = port(parts[4]), port(parts[5]) != nil,
            let source = SocketAddress(String(parts[2]), port: sourcePort),
            SocketAddress(String(parts[3]), port: 0) != nil
        else { return .invalid }
        let isSix = parts[1] == "TCP6"
        guard parts[2].contains(":") == isSix, parts[3].contains(":") == isSix else {
            return .invalid
        }
        return .complete(client: source, octets: end + 1)
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            text == "0" || !text.hasPrefix("0")
        else { return nil }
        return UInt16(text)
    }

    // MARK: Version 2

    private static func binary(_ bytes: [UInt8]) -> ProxyHeader {
        guard bytes.count >= 16 else { return .incomplete }
        let (version, command) = (bytes[12] >> 4, bytes[12] & 0x0F)
        let length = Int(bytes[14]) << 8 | Int(bytes[15])
        guard version == 2, command <= 1, 16 + length <= longestBinary else { return .invalid }
        guard bytes.count >= 16 + length else { return .incomplete }
        let octets = 16 + length
        if command == 0 { return .complete(client: nil, octets: octets) }
        switch bytes[13] {
        case 0x11 where length >= 12:
            let port = UInt16(bytes[24]) << 8 | UInt16(bytes[25])
            return .complete(
                client: SocketAddress(octets: Array(bytes[16..<20]), port: port), octets: octets)
        case 0x21 where length >= 36:
            let port = UInt16(bytes[48]) << 8 | UInt16(bytes[49])
            return .complete(
                client: SocketAddress(octets: Array(bytes[16..<32]), port: port), octets: octets)
        case 0x00: return .complete(client: nil, octets: octets)
        default: return .invalid
        }
    }
}
