// SPDX-License-Identifier: Apache-2.0

/// Text in lines of 76 ASCII characters at most (RFC 2045 §6.7).
package enum QuotedPrintable {
    /// Characters of a line, a soft line break's `=` included.
    private static let lineLimit = 76

    /// Encodes text whose lines end with CRLF, or with LF alone; so do not the encoded ones, which all have CRLF.
    ///
    /// A carriage return that ends no line is encoded like any octet that is not printable.
    package static func encode(_ text: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var column = 0
        /// White space that may turn out to end a line, where it must be encoded.
        var pendingSpace: UInt8?
        var hasReturn = false

        func put(_ octets: [UInt8]) {
            if column + octets.count > lineLimit - 1 {
                result += [UInt8(ascii: "="), 0x0D, 0x0A]
                column = 0
            }
            result += octets
            column += octets.count
        }
        func settleSpace(atLineEnd: Bool) {
            guard let space = pendingSpace else { return }
            put(atLineEnd ? escaped(space) : [space])
            pendingSpace = nil
        }
        for octet in text {
            if hasReturn, octet != 0x0A {
                settleSpace(atLineEnd: false)
                put(escaped(0x0D))
            }
            hasReturn = octet == 0x0D
            if hasReturn { continue }
            if octet == 0x0A {
                settleSpace(atLineEnd: true)
                result += [0x0D, 0x0A]
                column = 0
                continue
            }
            settleSpace(atLineEnd: false)
            if octet == .space || octet == .tab {
                pendingSpace = octet
            } else {
                put(isPlain(octet) ? [octet] : escaped(octet))
            }
        }
        settleSpace(atLineEnd: true)
        if hasReturn { put(escaped(0x0D)) }
        return result
    }

    private static func isPlain(_ octet: UInt8) -> Bool {
        (0x21...0x7E).contains(octet) && octet != UInt8(ascii: "=")
    }

    private static func escaped(_ octet: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return [UInt8(ascii: "="), digits[Int(octet >> 4)], digits[Int(octet & 15)]]
    }
}
