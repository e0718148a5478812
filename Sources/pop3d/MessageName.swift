// SPDX-License-Identifier: Apache-2.0
import Mail

/// What a file name of a Maildir tells, read as octets: a mailbox may hold a hundred thousand.
///
/// Our own names are `<id>.<host>,S=<octets>`, with `,U=<unique id>` behind when an import has kept the one that
/// clients know from another server, escaped as in the queue's names. Others follow the Maildir convention,
/// `<seconds>.<unique>.<host>` with or without `,S=` (octets on the disk) and `,W=` (octets with CRLF), flags behind `:` once in `cur`.
nonisolated struct MessageName: Equatable, Sendable {
    /// Microseconds since 1970; 0 when the name tells none.
    let arrival: UInt64
    /// Orders our own messages of one microsecond.
    let random: UInt64
    let isOurs: Bool
    /// Octets as sent, where the name alone tells: our messages are stored with CRLF.
    let size: Int?
    /// Octets before the flags; this part of the name never changes.
    let baseLength: Int
    /// Where the unique id begins.
    let uniqueIDStart: Int
    /// Octets that are the unique id; nil when they cannot be one (RFC 1939 §7, UIDL).
    let uniqueIDLength: Int?

    /// Reads a name; nil for those that are no message (a dot in front).
    init?(_ name: UnsafeBufferPointer<UInt8>) {
        guard let first = name.first, first != UInt8(ascii: ".") else { return nil }
        // In new a colon may be missing or, with odd writers, there; the last one separates flags.
        let base = UnsafeBufferPointer(
            rebasing: name[..<(name.lastIndex(of: UInt8(ascii: ":")) ?? name.endIndex)])
        baseLength = base.count
        let comma = base.firstIndex(of: UInt8(ascii: ",")) ?? base.endIndex
        if base.count > QueueID.textLength, base[QueueID.textLength] == UInt8(ascii: "."),
            let id = QueueID(octets: base.span.extracting(..<QueueID.textLength)),
            let size = Self.field(UInt8(ascii: "S"), of: base[comma...])
        {
            isOurs = true
            arrival = id.microseconds
            random = id.random
            self.size = size
            let kept = Self.place(UInt8(ascii: "U"), of: base[comma...])
            uniqueIDStart = kept?.startIndex ?? 0
            uniqueIDLength = kept?.count ?? QueueID.textLength
        } else {
            isOurs = false
            uniqueIDStart = 0
            arrival = Self.arrival(base[..<comma])
            random = 0
            size = Self.field(UInt8(ascii: "W"), of: base[comma...])
            let isUsable =
                (1...70).contains(comma) && base[..<comma].allSatisfy { 0x21...0x7E ~= $0 }
            uniqueIDLength = isUsable ? comma : nil
        }
    }

    /// `,S=123` among the fields behind the first comma.
    private static func field(_ key: UInt8, of fields: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        place(key, of: fields).flatMap(number)
    }

    /// What stands behind `,S=` up to the next comma.
    private static func place(
        _ key: UInt8, of fields: Slice<UnsafeBufferPointer<UInt8>>
    ) -> Slice<UnsafeBufferPointer<UInt8>>? {
        var position = fields.startIndex
        while position + 3 < fields.endIndex {
            if fields[position] == UInt8(ascii: ","), fields[position + 1] == key,
                fields[position + 2] == UInt8(ascii: "=")
            {
                return fields[(position + 3)...].prefix { $0 != UInt8(ascii: ",") }
            }
            position += 1
        }
        return nil
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

    private static func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
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
