// SPDX-License-Identifier: Apache-2.0

/// What stands before the `@` of an address (RFC 5321 §4.1.2, RFC 6531 §3.3).
///
/// Two are equal when they mean the same: `"a"@x` is `a@x`. Case counts, as only the host that owns the
/// domain may say that it does not (RFC 5321 §2.4).
package struct LocalPart: Hashable, Sendable, CustomStringConvertible {
    /// The meaning, without quotes and backslashes.
    package let text: String

    /// RFC 5321 §4.5.3.1.1.
    package static let lengthLimit = 64

    /// The local part that means a text; nil if no quoting can spell it.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.lengthLimit, text.utf8.allSatisfy(Self.isQuotable)
        else { return nil }
        self.text = text
    }

    /// Reads a local part up to its `@` or whatever else cannot belong to it.
    ///
    /// - Throws: `AddressError` for what is none.
    package init(from cursor: inout ByteCursor) throws(AddressError) {
        let start = cursor.position
        let content =
            cursor.current == UInt8(ascii: "\"")
            ? try Self.quotedString(from: &cursor) : try Self.dotString(from: &cursor)
        // The limit is on what is sent, quotes included.
        guard cursor.position - start <= Self.lengthLimit else { throw .localPartTooLong }
        guard let text = String(validating: content, as: UTF8.self) else { throw .malformed }
        self.text = text
    }

    /// As it is written in a path: quoted if it must be.
    package var description: String {
        if isDotString { return text }
        var quoted = "\""
        for character in text.unicodeScalars {
            if character == "\"" || character == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(character)
        }
        return quoted + "\""
    }

    /// Whether all of it is ASCII.
    package var isASCII: Bool { text.utf8.allSatisfy { $0 < 0x80 } }

    private var isDotString: Bool {
        var previous = UInt8(ascii: ".")
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") {
                if previous == byte { return false }
            } else if !Self.isAtomText(byte) {
                return false
            }
            previous = byte
        }
        return previous != UInt8(ascii: ".")
    }

    /// Reads `Dot-string = Atom *("." Atom)`.
    private static func dotString(
        from cursor: inout ByteCursor
    ) throws(AddressError) -> ArraySlice<UInt8> {
        let text = cursor.take { isAtomText($0) || $0 == UInt8(ascii: ".") }
        var previous = UInt8(ascii: ".")
        for byte in text {
            if byte == UInt8(ascii: "."), previous == byte { throw .malformed }
            previous = byte
        }
        guard previous != UInt8(ascii: ".") else { throw .malformed }
        return text
    }

    /// Reads `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`.
    private static func quotedString(
        from cursor: inout ByteCursor
    ) throws(AddressError) -> ArraySlice<UInt8> {
        var content: [UInt8] = []
        _ = cursor.next()
        while var byte = cursor.next() {
            if byte == UInt8(ascii: "\"") { return content[...] }
            if byte == UInt8(ascii: "\\") {
                guard let escaped = cursor.next(), escaped < 0x80 else { throw .malformed }
                byte = escaped
            }
            guard isQuotable(byte) else { throw .malformed }
            content.append(byte)
        }
        throw .malformed
    }

    private static func isQuotable(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F }

    /// `atext` of RFC 5322 §3.2.3 and, by RFC 6531, any byte of UTF-8 beyond ASCII.
    package static func isAtomText(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x80...: true
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "="),
            UInt8(ascii: "?"), UInt8(ascii: "^")...UInt8(ascii: "`"),
            UInt8(ascii: "{")...UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

/// Why a text is no address.
package enum AddressError: Error, Equatable, Sendable {
    /// Not the syntax of RFC 5321 §4.1.2.
    case malformed
    /// More than 64 octets before the `@`.
    case localPartTooLong
    /// No domain name and no address literal after the `@`.
    case badDomain
    /// More than 256 octets in a path.
    case pathTooLong
}

extension LocalPart {
    /// The one local part that every domain has (RFC 5321 §4.5.1).
    package static let postmaster = Self(wellKnown: "postmaster")
    /// Whom reports are from.
    package static let mailerDaemon = Self(wellKnown: "MAILER-DAEMON")

    private init(wellKnown text: String) { self.text = text }
}
