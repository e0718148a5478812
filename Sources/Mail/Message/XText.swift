// SPDX-License-Identifier: Apache-2.0

/// Printable text in the encoding of ESMTP parameters (RFC 3461 §4).
package struct XText: Hashable, Sendable {
    /// Without encoding: printable ASCII, no control character and no NUL.
    package let text: String

    /// The text that an encoding stands for; nil unless encoding and text are right.
    package init?(encoded: ArraySlice<UInt8>) {
        guard let decoded = Self.octets(encoded: encoded) else { return nil }
        self.init(decoded: decoded)
    }

    /// The octets that an encoding stands for, whatever they are; nil unless the encoding is right.
    static func octets(encoded: ArraySlice<UInt8>) -> [UInt8]? {
        var cursor = ByteCursor(Array(encoded))
        var decoded: [UInt8] = []
        decoded.reserveCapacity(encoded.count)
        while let byte = cursor.next() {
            guard Self.isPlain(byte) || byte == UInt8(ascii: "+") else { return nil }
            if byte != UInt8(ascii: "+") {
                decoded.append(byte)
                continue
            }
            guard let high = Self.digit(cursor.next()), let low = Self.digit(cursor.next())
            else { return nil }
            decoded.append(high << 4 | low)
        }
        return decoded
    }

    /// The text itself; nil unless it is printable ASCII.
    package init?(_ text: String) {
        self.init(decoded: Array(text.utf8))
    }

    private init?(decoded: [UInt8]) {
        guard decoded.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
        text = String(decoding: decoded, as: UTF8.self)
    }

    /// With encoding.
    package var encoded: String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            if Self.isPlain(byte) {
                result.append(byte)
            } else {
                let digits = Array("0123456789ABCDEF".utf8)
                result += [UInt8(ascii: "+"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// `xchar`: any of "!" to "~" except "+" and "=".
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "+") && byte != UInt8(ascii: "=")
    }

    /// Digits are upper-case (`hexchar`); lower-case ones are taken too, as they cannot mean anything else.
    private static func digit(_ byte: UInt8?) -> UInt8? { byte?.hexadecimalValue }
}
