// SPDX-License-Identifier: Apache-2.0

/// A mailbox's address: parsed once, never again.
package struct MailAddress: Hashable, Sendable, CustomStringConvertible {
    package let localPart: LocalPart
    package let domain: Domain

    /// An address of those parts.
    package init(_ localPart: LocalPart, at domain: Domain) {
        self.localPart = localPart
        self.domain = domain
    }

    /// The address that a whole text spells, such as `user@example.org`; nil for anything else.
    package init?(_ text: String) {
        var cursor = ByteCursor(Array(text.utf8))
        do throws(AddressError) {
            try self.init(from: &cursor)
        } catch {
            return nil
        }
        guard cursor.isAtEnd else { return nil }
    }

    /// Reads `Mailbox` of RFC 5321 §4.1.2, up to what cannot belong to its domain.
    ///
    /// - Throws: `AddressError` for what is none.
    package init(from cursor: inout ByteCursor) throws(AddressError) {
        localPart = try LocalPart(from: &cursor)
        guard cursor.skip(UInt8(ascii: "@")) else { throw .malformed }
        domain = try Domain(from: &cursor)
    }

    /// As it is written in a path, without its angle brackets.
    package var description: String { "\(localPart)@\(domain)" }

    /// Whether it can be used without SMTPUTF8 (RFC 6531 §3.5).
    package var isASCII: Bool { localPart.isASCII && domain.isASCII }
}

extension Domain {
    /// Reads a domain or address literal, up to what cannot belong to it.
    ///
    /// - Throws: `AddressError.badDomain` for what is none.
    package init(from cursor: inout ByteCursor) throws(AddressError) {
        let bytes: ArraySlice<UInt8>
        if cursor.current == UInt8(ascii: "[") {
            let start = cursor.position
            _ = cursor.take { $0 != UInt8(ascii: "]") && $0 > 0x20 && $0 < 0x7F }
            guard cursor.skip(UInt8(ascii: "]")) else { throw .badDomain }
            bytes = cursor.bytes[start..<cursor.position]
        } else {
            bytes = cursor.take {
                $0.isASCIILetter || $0.isASCIIDigit || $0 >= 0x80 || $0 == UInt8(ascii: ".")
                    || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            }
        }
        guard let domain = Domain(bytes: bytes) else { throw .badDomain }
        self = domain
    }
}
