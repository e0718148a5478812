// SPDX-License-Identifier: Apache-2.0

/// An IP address in brackets in place of a domain (RFC 5321 §4.1.3).
package enum AddressLiteral: Hashable, Sendable {
    /// Four octets.
    case ipv4([UInt8])
    /// Eight groups.
    case ipv6([UInt16])

    /// The address between brackets, `[192.0.2.1]` or `[IPv6:2001:db8::1]`; nil for anything else.
    ///
    /// No General-address-literal was ever registered.
    package init?(bracketed bytes: ArraySlice<UInt8>) {
        guard bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]"), bytes.count > 2
        else { return nil }
        var cursor = ByteCursor(Array(bytes.dropFirst().dropLast()))
        if cursor.skip(word: "IPV6:") {
            guard let groups = Self.groups(of: cursor.rest) else { return nil }
            self = .ipv6(groups)
        } else {
            guard let octets = Self.octets(of: cursor.rest) else { return nil }
            self = .ipv4(octets)
        }
    }

    /// Four decimal numbers up to 255 with dots between; nil for anything else.
    private static func octets(of text: ArraySlice<UInt8>) -> [UInt8]? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var octets: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy(\.isASCIIDigit),
                let octet = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            octets.append(octet)
        }
        return octets
    }

    /// The groups of an IPv6 address as RFC 4291 §2.2 writes it; nil for anything else.
    private static func groups(of text: ArraySlice<UInt8>) -> [UInt16]? {
        let colon = UInt8(ascii: ":")
        // "::" splits the text in two, once; a side may be empty, a group may not.
        var gap: Int?
        for index in text.indices.dropLast() where text[index] == colon && text[index + 1] == colon
        {
            guard gap == nil else { return nil }
            gap = index
        }
        guard let gap else {
            guard let groups = side(text, mayEndWithIPv4: true) else { return nil }
            return groups.count == 8 ? groups : nil
        }
        guard let head = side(text[..<gap], mayEndWithIPv4: false),
            let tail = side(text[(gap + 2)...], mayEndWithIPv4: true),
            head.count + tail.count < 8
        else { return nil }
        return head + [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    private static func side(_ text: ArraySlice<UInt8>, mayEndWithIPv4: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.contains(UInt8(ascii: ".")) {
                guard mayEndWithIPv4, index == parts.count - 1, let octets = octets(of: part)
                else { return nil }
                groups.append(UInt16(octets[0]) << 8 | UInt16(octets[1]))
                groups.append(UInt16(octets[2]) << 8 | UInt16(octets[3]))
            } else {
                guard (1...4).contains(part.count) else { return nil }
                var group: UInt16 = 0
                for digit in part {
                    guard let value = digit.hexadecimalValue else { return nil }
                    group = group << 4 | UInt16(value)
                }
                groups.append(group)
            }
        }
        return groups
    }
}

extension AddressLiteral: CustomStringConvertible {
    /// With brackets, an IPv6 address in the spelling of RFC 5952 §4.
    package var description: String {
        switch self {
        case .ipv4(let octets): "[" + octets.map { "\($0)" }.joined(separator: ".") + "]"
        case .ipv6(let groups): "[IPv6:" + Self.text(of: groups) + "]"
        }
    }

    private static func text(of groups: [UInt16]) -> String {
        // The longest run of two or more zeros, the first of several, becomes "::".
        var longest = 0..<0
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > max(1, longest.count) { longest = start..<end }
            start = max(end, start + 1)
        }
        let texts = groups.map { String($0, radix: 16) }
        guard !longest.isEmpty else { return texts.joined(separator: ":") }
        return texts[..<longest.lowerBound].joined(separator: ":") + "::"
            + texts[longest.upperBound...].joined(separator: ":")
    }
}
