// SPDX-License-Identifier: Apache-2.0

/// Base64 as SASL uses it (RFC 4648 §4): padded, without line breaks, one text for each value.
package enum Base64 {
    /// The bytes that a text stands for; nil unless it is exactly what ``encode(_:)`` makes of them.
    ///
    /// Strict because a lenient decoder gives one password many spellings: white space, missing or inner
    /// padding and set bits after the last octet are refused (RFC 4648 §3.5).
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let count = text.count
        guard count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count / 4 * 3)
        var group: UInt32 = 0
        var padding = 0
        for (offset, character) in text.enumerated() {
            if character == pad {
                padding += 1
                guard offset >= count - 2 else { return nil }
                group <<= 6
            } else {
                guard padding == 0, let value = value(of: character) else { return nil }
                group = group << 6 | value
            }
            guard offset % 4 == 3 else { continue }
            bytes.append(UInt8(truncatingIfNeeded: group >> 16))
            if padding < 2 { bytes.append(UInt8(truncatingIfNeeded: group >> 8)) }
            if padding < 1 { bytes.append(UInt8(truncatingIfNeeded: group)) }
            if padding == 2, group & 0xFFFF != 0 { return nil }
            if padding == 1, group & 0xFF != 0 { return nil }
            group = 0
        }
        return bytes
    }

    /// The text of some bytes.
    package static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var filled = 0
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            filled += 1
            guard filled == 3 else { continue }
            for shift in [18, 12, 6, 0] as [UInt32] { text.append(character(group >> shift)) }
            group = 0
            filled = 0
        }
        if filled == 1 {
            text += [character(group >> 2), character(group << 4), pad, pad]
        } else if filled == 2 {
            text += [character(group >> 10), character(group >> 4), character(group << 2), pad]
        }
        return text
    }

    private static let pad = UInt8(ascii: "=")
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func character(_ value: UInt32) -> UInt8 { alphabet[Int(value & 63)] }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character) + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
