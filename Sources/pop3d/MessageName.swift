// SPDX-License-Identifier: Apache-2.0
import Mail

/// What a file name of a Maildir tells, read as octets: a mailbox may hold a hundred thousand.
///
/// Our own names are `<id>.<host>,S=<octets>`, those of imported messages with a `,U=` behind it, the unique id of
/// the old server (``KeptUniqueID``), those of messages that an operator has edited in the queue without `,S=`; others follow the Maildir convention, `<seconds>.<unique>.<host>` with or
/// without `,S=` (octets on the disk) and `,W=` (octets with CRLF), flags behind `:` once in `cur`.
nonisolated struct MessageName: Equatable, Sendable {
    /// Microseconds since 1970; 0 when the name tells none.
    let arrival: UInt64
    /// Orders our own messages of one microsecond.
    let random: UInt64
    let isOurs: Bool
    /// Octets as sent, where the name alone tells: ours with `,S=` are stored with CRLF unless `,W=` says otherwise.
    let size: Int?
    /// Octets before the flags; this part of the name never changes.
    let baseLength: Int
    /// Octets that are the unique id; nil when they cannot be one (RFC 1939 §7, UIDL).
    let uniqueIDLength: Int?
    /// Where `,U=` has its text; nil in all names but those of imported messages.
    let keptID: Range<Int>?

    /// Reads a name; nil for those that are no message (a dot in front).
    init?(_ name: UnsafeBufferPointer<UInt8>) {
        guard let first = name.first, first != UInt8(ascii: ".") else { return nil }
        // In new a colon may be missing or, with odd writers, there; the last one separates flags.
        let base = UnsafeBufferPointer(
            rebasing: name[..<(name.lastIndex(of: UInt8(ascii: ":")) ?? name.endIndex)])
        baseLength = base.count
        let comma = base.firstIndex(of: UInt8(ascii: ",")) ?? base.endIndex
        let fields = Fields(of: base, from: comma)
        if base.count > QueueID.textLength, base[QueueID.textLength] == UInt8(ascii: "."),
            let id = QueueID(octets: base.span.extracting(..<QueueID.textLength))
        {
            isOurs = true
            arrival = id.microseconds
            random = id.random
            size = fields.wireSize ?? fields.size
            uniqueIDLength = QueueID.textLength
            keptID = fields.keptID
        } else {
            isOurs = false
            arrival = Self.arrival(base[..<comma])
            random = 0
            size = fields.wireSize
            let isUsable =
                (1...70).contains(comma) && base[..<comma].allSatisfy { 0x21...0x7E ~= $0 }
            uniqueIDLength = isUsable ? comma : nil
            keptID = nil
        }
    }

    /// The fields behind the first comma that we know; the first of each kind counts.
    private struct Fields {
        /// `,S=123`: octets on the disk.
        var size: Int?
        /// `,W=123`: octets with CRLF.
        var wireSize: Int?
        /// Where `,U=` has its text.
        var keptID: Range<Int>?

        init(of base: UnsafeBufferPointer<UInt8>, from comma: Int) {
            var start = comma
            while start < base.endIndex {
                var end = start + 1
                while end < base.endIndex, base[end] != UInt8(ascii: ",") { end += 1 }
                if end - start > 3, base[start + 2] == UInt8(ascii: "=") {
                    let value = start + 3..<end
                    switch base[start + 1] {
                    case UInt8(ascii: "S"): size = size ?? MessageName.number(base[value])
                    case UInt8(ascii: "W"): wireSize = wireSize ?? MessageName.number(base[value])
                    case UInt8(ascii: "U"): keptID = keptID ?? value
                    default: break
                    }
                }
                start = end
            }
        }
    }

    /// `1700000000.M123456P789.host`: seconds, and microseconds where the second part has them.
    private static func arrival(_ base: Slice<UnsafeBufferPointer<UInt8>>) -> UInt64 {
        let seconds = base.prefix { 0x30...0x39 ~= $0 }
        guard let whole = number(seconds), whole < 1 << 40 else { return 0 }
        var microseconds = 0
        let rest = base[seconds.endIndex...].dropFirst()
        if rest.first == UInt8(ascii: "M"),
            let part = number(rest.dropFirst().prefix { 0x30...0x39 ~= $0 }), part < 1_000_000
        {
            microseconds = part
        }
        return UInt64(whole * 1_000_000 + microseconds)
    }

    fileprivate static func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        guard (1...18).contains(digits.count) else { return nil }
        var value = 0
        for digit in digits {
            guard 0x30...0x39 ~= digit else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }

    /// A unique id for a base name that cannot be one: always the same for the same name.
    static func hashedID(_ base: some Collection<UInt8>) -> [UInt8] {
        var (one, two): (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x8422_2325_CBF2_9CE4)
        for byte in base {
            one = (one ^ UInt64(byte)) &* 0x100_0000_01B3
            two = (two &+ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
            two ^= two >> 29
        }
        return Array("x-\(QueueID(microseconds: one, random: two))".utf8)
    }
}
