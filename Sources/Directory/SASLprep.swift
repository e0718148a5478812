// SPDX-License-Identifier: Apache-2.0
import CIDN

/// Why a text cannot be a user name or a password (RFC 4013).
package enum SASLprepError: Error, Equatable, Sendable {
    /// A character that nobody should use: of control, of private use, of no characters (§2.3).
    case prohibited
    /// A character that Unicode 3.2 does not have, in a text that is kept (§2.5).
    case unassigned
    /// From right to left and from left to right at once (§2.4).
    case mixedDirections
    /// Nothing is left of it.
    case empty
    /// Longer than any password that can be kept.
    case tooLong
    /// GNU libidn's number for a fault of its own.
    case failed(Int32)
}

/// SASLprep (RFC 4013): one spelling for user names and passwords that look the same.
///
/// AUTH PLAIN (RFC 4616 §2) and POP3's UTF8 (RFC 6856 §2.2) ask for it. GNU libidn has the tables.
package enum SASLprep {
    /// What a text is for (RFC 3454 §7): what is kept must not have characters that a later Unicode may change.
    package enum Purpose: Sendable {
        case query
        case stored
    }

    /// In octets; four times what crypt(3) takes, and bounded since work grows with the square of it.
    private static let longest = 2048
    /// So many characters at most come of one in normalization form KC (U+FDFA).
    private static let growth = 18

    /// The text as it is compared; printable ASCII is that already.
    ///
    /// - Throws: ``SASLprepError``.
    package static func prepare(
        _ text: String, for purpose: Purpose
    ) throws(SASLprepError) -> String {
        if isPrintableASCII(text.utf8) { return text }
        guard text.utf8.count <= longest else { throw .tooLong }
        // libidn would stop reading there.
        if text.utf8.contains(0) { throw .prohibited }
        var scalars = text.unicodeScalars.map(\.value)
        var count = scalars.count
        // One more, which libidn wants to be left over.
        let capacity = count * growth + 1
        scalars += [UInt32](repeating: 0, count: capacity - count)
        let flags = purpose == .stored ? STRINGPREP_NO_UNASSIGNED.rawValue : 0
        let code = stringprep_4i(
            &scalars, &count, capacity, Stringprep_profile_flags(flags), saslprepProfile())
        guard code == 0 else { throw SASLprepError(code) }
        guard count > 0 else { throw .empty }
        var prepared = String.UnicodeScalarView()
        prepared.append(contentsOf: scalars[..<count].compactMap(Unicode.Scalar.init))
        return String(prepared)
    }

    /// What a client sent as its user name; nil when nobody can be called that.
    package static func query(_ name: String) -> String? {
        do throws(SASLprepError) {
            return try prepare(name, for: .query)
        } catch {
            return nil
        }
    }

    /// The texts that may have been hashed when somebody chose what a client now offers as a password.
    ///
    /// They depend on what is offered alone, so that what it costs to try them says nothing about an account. The
    /// second is there for hashes that another program made of what was typed. What is no password is tried once,
    /// as an empty one, which nobody has. Octets that are no UTF-8 are nothing that could be prepared.
    package static func forms(ofOffered password: [UInt8]) -> [[UInt8]] {
        if isPrintableASCII(password) { return [password] }
        guard let text = String(validating: password, as: UTF8.self) else { return [password] }
        guard let prepared = query(text).map({ Array($0.utf8) }) else { return [[]] }
        return prepared == password ? [password] : [prepared, password]
    }

    private static func isPrintableASCII(_ text: some Sequence<UInt8>) -> Bool {
        text.allSatisfy { (0x20...0x7E).contains($0) }
    }
}

extension SASLprepError {
    /// libidn's `Stringprep_rc`.
    fileprivate init(_ code: Int32) {
        self =
            switch UInt32(bitPattern: code) {
            case STRINGPREP_CONTAINS_PROHIBITED.rawValue: .prohibited
            case STRINGPREP_CONTAINS_UNASSIGNED.rawValue: .unassigned
            case STRINGPREP_BIDI_BOTH_L_AND_RAL.rawValue,
                STRINGPREP_BIDI_LEADTRAIL_NOT_RAL.rawValue:
                .mixedDirections
            case STRINGPREP_BIDI_CONTAINS_PROHIBITED.rawValue: .prohibited
            default: .failed(code)
            }
    }
}
