// SPDX-License-Identifier: Apache-2.0

/// A message as another program has kept it, ready to be put into a mailbox.
struct ForeignMessage: Equatable, Sendable {
    /// What it is called at its source, for ever: by this an import knows what it has done already.
    var key: String
    /// With CRLF at the end of every line.
    var content: [UInt8]
    /// Microseconds since 1970.
    var arrived: UInt64
    /// The POP3 unique id that clients know it by; nil when the source had none.
    var uniqueID: String?
    /// Flags of a Maildir, such as `S` for seen; nil for a message that nobody has looked at.
    var flags: String?

    /// Octets as SMTP and POP3 send them: each LF without CR gets one, and the last line its end.
    static func withCRLF(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 32 + 2)
        var last: UInt8 = 0
        for byte in bytes {
            if byte == 0x0A, last != 0x0D { result.append(0x0D) }
            result.append(byte)
            last = byte
        }
        if !result.isEmpty, last != 0x0A { result += last == 0x0D ? [0x0A] : [0x0D, 0x0A] }
        return result
    }

    /// Takes one dot from each line that begins with two: what a receiver should have done (RFC 5321 §4.5.2).
    static func withoutStuffing(_ bytes: [UInt8]) -> [UInt8] {
        let dot = UInt8(ascii: ".")
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for (index, byte) in bytes.enumerated() {
            let beginsLine = index == 0 || bytes[index - 1] == 0x0A
            if byte == dot, beginsLine, index + 1 < bytes.count, bytes[index + 1] == dot {
                continue
            }
            result.append(byte)
        }
        return result
    }
}

/// Where messages come from, one after the other in the order of their arrival.
protocol MessageSource: ~Copyable {
    /// How many there are; nil when only the end tells.
    var count: Int? { get }

    /// The next; nil at the end.
    ///
    /// - Throws: ``Failure`` when the source cannot be read.
    mutating func next() throws(Failure) -> Found?
}

/// What a source has at a place.
enum Found: Equatable, Sendable {
    case message(ForeignMessage)
    /// Something that is no message, and why.
    case unusable(name: String, reason: String)
}
