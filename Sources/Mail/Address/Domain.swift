// SPDX-License-Identifier: Apache-2.0

/// What follows the `@` of an address: a domain name or an address literal (RFC 5321 §4.1.2, RFC 6531 §3.3).
///
/// Two are equal when they name the same place: case, U-label or A-label and the spelling of an IPv6 address
/// make no difference.
package struct Domain: Sendable, CustomStringConvertible {
    /// As it was written.
    package let text: String
    /// For comparison, look-up and ASCII-only places: lower-case, labels as A-labels (RFC 5890 §2.3.2.1),
    /// literals in the one spelling of RFC 5952.
    package let ascii: String

    /// RFC 5321 §4.5.3.1.2.
    package static let lengthLimit = 255

    /// The domain or address literal that a text spells; nil for anything else.
    package init?(_ text: String) {
        self.init(bytes: Array(text.utf8)[...])
    }

    /// The domain or address literal that some bytes spell; nil for anything else.
    package init?(bytes: ArraySlice<UInt8>) {
        guard let first = bytes.first, bytes.count <= Self.lengthLimit else { return nil }
        if first == UInt8(ascii: "[") {
            guard let address = AddressLiteral(bracketed: bytes) else { return nil }
            ascii = address.description
        } else if bytes.allSatisfy({ $0 < 0x80 }) {
            guard let name = Self.lowercased(bytes) else { return nil }
            ascii = name
        } else {
            guard let name = Self.aLabels(bytes) else { return nil }
            ascii = name
        }
        text = String(decoding: bytes, as: UTF8.self)
    }

    package var description: String { text }

    /// Whether this is an address in brackets and no name.
    package var isLiteral: Bool { ascii.utf8.first == UInt8(ascii: "[") }

    /// Whether all of the text as it was written is ASCII.
    package var isASCII: Bool { text.utf8.allSatisfy { $0 < 0x80 } }

    /// Whether this is that domain or one below it.
    package func isWithin(_ other: Domain) -> Bool {
        self == other || ascii.hasSuffix("." + other.ascii)
    }

    /// A name of ASCII labels in lower case; nil if a label is none.
    ///
    /// Underscores pass, which RFC 5321 §4.1.2 has not: real senders have them, as other servers know.
    private static func lowercased(_ bytes: ArraySlice<UInt8>) -> String? {
        var name: [UInt8] = []
        name.reserveCapacity(bytes.count)
        var labelStart = 0
        for byte in bytes {
            if byte == UInt8(ascii: ".") {
                guard isLabel(name[labelStart...]) else { return nil }
                labelStart = name.count + 1
            } else if !byte.isASCIILetter, !byte.isASCIIDigit, byte != UInt8(ascii: "-"),
                byte != UInt8(ascii: "_")
            {
                return nil
            }
            name.append(byte.asciiLowercase)
        }
        guard labelStart <= name.count, isLabel(name[labelStart...]) else { return nil }
        return String(decoding: name, as: UTF8.self)
    }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        guard let first = label.first, let last = label.last, label.count <= 63 else {
            return false
        }
        return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
    }

    /// A name with its U-labels turned into A-labels; nil if it cannot be a name.
    private static func aLabels(_ bytes: ArraySlice<UInt8>) -> String? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var labels: [String] = []
        for label in text.split(separator: ".", omittingEmptySubsequences: false) {
            guard let ascii = InternationalLabel.aLabel(String(label)) else { return nil }
            labels.append(ascii)
        }
        let name = Array(labels.joined(separator: ".").utf8)
        return name.count <= lengthLimit ? lowercased(name[...]) : nil
    }
}

extension Domain: Hashable {
    package static func == (left: Self, right: Self) -> Bool { left.ascii == right.ascii }

    package func hash(into hasher: inout Hasher) { hasher.combine(ascii) }
}
