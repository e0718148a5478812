// SPDX-License-Identifier: Apache-2.0

/// A place in some bytes that a parser reads from left to right.
package struct ByteCursor: Sendable {
    package let bytes: [UInt8]
    package private(set) var position: Int

    /// At the beginning of the bytes, or at a position in them.
    package init(_ bytes: [UInt8], at position: Int = 0) {
        self.bytes = bytes
        self.position = min(max(position, 0), bytes.count)
    }

    /// Whether nothing is left.
    package var isAtEnd: Bool { position >= bytes.count }

    /// The byte here; nil at the end.
    package var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// What is left.
    package var rest: ArraySlice<UInt8> { bytes[position...] }

    /// Takes the byte here; nil at the end.
    package mutating func next() -> UInt8? {
        guard position < bytes.count else { return nil }
        position += 1
        return bytes[position - 1]
    }

    /// Steps over that byte if it is here.
    package mutating func skip(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    /// Steps over those ASCII letters, in any case, if they are here; `letters` is upper-case.
    package mutating func skip(word letters: StaticString) -> Bool {
        let count = letters.utf8CodeUnitCount
        guard bytes.count - position >= count else { return false }
        let matches = letters.withUTF8Buffer { wanted in
            for offset in 0..<count where bytes[position + offset].asciiUppercase != wanted[offset]
            {
                return false
            }
            return true
        }
        if matches { position += count }
        return matches
    }

    /// Steps over spaces.
    package mutating func skipSpaces() {
        while current == UInt8(ascii: " ") { position += 1 }
    }

    /// Takes the bytes up to the first that does not belong; none if the one here does not.
    package mutating func take(while belongs: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = position
        while position < bytes.count, belongs(bytes[position]) { position += 1 }
        return bytes[start..<position]
    }
}

extension UInt8 {
    /// The upper-case letter of an ASCII lower-case one; any other byte itself.
    package var asciiUppercase: UInt8 { self &- 97 < 26 ? self - 32 : self }

    /// The lower-case letter of an ASCII upper-case one; any other byte itself.
    package var asciiLowercase: UInt8 { self &- 65 < 26 ? self + 32 : self }

    /// Whether this is a letter of ASCII.
    package var isASCIILetter: Bool { asciiLowercase &- 97 < 26 }

    /// Whether this is a digit of ASCII.
    package var isASCIIDigit: Bool { self &- 48 < 10 }

    /// The value of a hexadecimal digit; nil for any other byte.
    package var hexadecimalValue: UInt8? {
        switch asciiLowercase {
        case 48...57: self - 48
        case 97...102: asciiLowercase - 87
        default: nil
        }
    }
}
