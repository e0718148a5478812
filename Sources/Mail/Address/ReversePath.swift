// SPDX-License-Identifier: Apache-2.0

/// The envelope's sender: where reports about the message go.
///
/// The null path is a case of its own, so that a report on a report cannot be written down.
package enum ReversePath: Hashable, Sendable {
    /// `<>`: a report, which must not cause another (RFC 5321 §4.5.5).
    case null
    /// A mailbox.
    case address(MailAddress)

    /// Reads a path in angle brackets.
    ///
    /// - Throws: `AddressError` for what is none.
    package init(from cursor: inout ByteCursor) throws(AddressError) {
        var ahead = cursor
        if ahead.skip(UInt8(ascii: "<")), ahead.skip(UInt8(ascii: ">")) {
            cursor = ahead
            self = .null
        } else {
            self = .address(try PathSyntax.mailbox(from: &cursor))
        }
    }

    /// The mailbox; nil for the null path.
    package var address: MailAddress? {
        switch self {
        case .null: nil
        case .address(let address): address
        }
    }
}

extension ReversePath: CustomStringConvertible {
    /// With its angle brackets.
    package var description: String {
        switch self {
        case .null: "<>"
        case .address(let address): "<\(address)>"
        }
    }
}

/// A recipient as RCPT names it.
package enum ForwardPath: Hashable, Sendable {
    /// `<Postmaster>`, which every server takes without a domain (RFC 5321 §4.5.1).
    case postmaster
    /// A mailbox.
    case address(MailAddress)

    /// Reads a path in angle brackets.
    ///
    /// - Throws: `AddressError` for what is none.
    package init(from cursor: inout ByteCursor) throws(AddressError) {
        var ahead = cursor
        if ahead.skip(word: "<POSTMASTER>") {
            cursor = ahead
            self = .postmaster
        } else {
            self = .address(try PathSyntax.mailbox(from: &cursor))
        }
    }
}

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"` of RFC 5321 §4.1.2.
enum PathSyntax {
    /// RFC 5321 §4.5.3.1.3, the brackets included.
    static let lengthLimit = 256

    static func mailbox(from cursor: inout ByteCursor) throws(AddressError) -> MailAddress {
        let start = cursor.position
        guard cursor.skip(UInt8(ascii: "<")) else { throw .malformed }
        try skipSourceRoute(in: &cursor)
        let beginning = cursor.position
        let address = try MailAddress(from: &cursor)
        guard cursor.skip(UInt8(ascii: ">")) else { throw .malformed }
        // A source route does not count: it is dropped.
        guard cursor.position - beginning + 1 <= lengthLimit,
            cursor.position - start <= 4 * lengthLimit
        else { throw .pathTooLong }
        return address
    }

    /// A route is read and ignored (RFC 5321 §3.3, appendix C).
    private static func skipSourceRoute(in cursor: inout ByteCursor) throws(AddressError) {
        guard cursor.current == UInt8(ascii: "@") else { return }
        repeat {
            guard cursor.skip(UInt8(ascii: "@")) else { throw .malformed }
            _ = try Domain(from: &cursor)
        } while cursor.skip(UInt8(ascii: ","))
        guard cursor.skip(UInt8(ascii: ":")) else { throw .malformed }
    }
}
