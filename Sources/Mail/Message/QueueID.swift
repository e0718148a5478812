// SPDX-License-Identifier: Apache-2.0

/// Names one accepted message for ever: in the queue, in mailboxes, in the log, as POP3 unique id.
///
/// It sorts by time, needs no counter shared by workers or hosts, and cannot be guessed: who may create names in
/// a folder that it cannot list must not be able to name what others put there.
package struct QueueID: Hashable, Comparable, Sendable {
    /// When the message arrived: microseconds since 1970-01-01 UTC.
    package let microseconds: UInt64
    /// From the kernel's random source.
    package let random: UInt64

    package init(microseconds: UInt64, random: UInt64) {
        self.microseconds = microseconds
        self.random = random
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.microseconds, left.random) < (right.microseconds, right.random)
    }
}

/// The text form: base32hex (RFC 4648 §7) in lower case, most significant first, so that text sorts as ids do.
extension QueueID: CustomStringConvertible {
    /// Characters of the text form: 128 bits in fives, two zero bits in front.
    package static let textLength = 26

    private static let digits = Array("0123456789abcdefghijklmnopqrstuv".utf8)

    package var description: String {
        var rest = UInt128(microseconds) << 64 | UInt128(random)
        return String(unsafeUninitializedCapacity: Self.textLength) { buffer in
            for position in (0..<Self.textLength).reversed() {
                buffer[position] = Self.digits[Int(truncatingIfNeeded: rest) & 31]
                rest >>= 5
            }
            return Self.textLength
        }
    }

    /// Reads the text form, and nothing else: each id has one text.
    package init?(_ text: some StringProtocol) {
        self.init(octets: text.utf8)
    }

    /// Reads the text form from its octets.
    package init?(octets: some Sequence<UInt8>) {
        let octets = Array(octets)
        self.init(octets: octets.span)
    }

    /// Reads the text form from its octets; not generic, and so fast enough for a mailbox of many thousand messages.
    package init?(octets: borrowing Span<UInt8>) {
        var value: UInt128 = 0
        guard octets.count == Self.textLength else { return nil }
        for index in octets.indices {
            let octet = octets[index]
            let digit: UInt8
            switch octet {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = octet - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "v"): digit = octet - UInt8(ascii: "a") + 10
            default: return nil
            }
            // The first character stands for three bits only.
            if index == 0, digit > 7 { return nil }
            value = value << 5 | UInt128(digit)
        }
        self.init(
            microseconds: UInt64(truncatingIfNeeded: value >> 64),
            random: UInt64(truncatingIfNeeded: value))
    }
}
