// SPDX-License-Identifier: Apache-2.0

/// An enhanced status code: class, subject, detail (RFC 3463).
package struct EnhancedStatus: Hashable, Sendable {
    /// The first number.
    package enum Category: UInt8, Sendable {
        case success = 2
        case temporary = 4
        case permanent = 5
    }

    package let category: Category
    package let subject: UInt16
    package let detail: UInt16

    /// The code of three numbers, the last two below 1000.
    package init(_ category: Category, _ subject: UInt16, _ detail: UInt16) {
        self.category = category
        self.subject = min(subject, 999)
        self.detail = min(detail, 999)
    }

    /// The code that a text such as `5.1.1` spells; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ Self.isNumber($0) }),
            let category = UInt8(parts[0]).flatMap(Category.init(rawValue:)),
            let subject = UInt16(parts[1]), let detail = UInt16(parts[2])
        else { return nil }
        self.init(category, subject, detail)
    }

    private static func isNumber(_ text: some StringProtocol) -> Bool {
        (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Another try later could succeed.
    package var isTemporary: Bool { category == .temporary }
}

extension EnhancedStatus: CustomStringConvertible {
    /// Such as `5.1.1`.
    package var description: String { "\(category.rawValue).\(subject).\(detail)" }
}

/// The codes that this server uses (RFC 3463 §3, RFC 4954 §6, RFC 6531 §3.5, RFC 7505 §4).
extension EnhancedStatus {
    /// The code 2.0.0.
    package static let success = Self(.success, 0, 0)
    /// The code 2.1.0.
    package static let senderValid = Self(.success, 1, 0)
    /// The code 2.1.5.
    package static let recipientValid = Self(.success, 1, 5)
    /// The code 2.7.0.
    package static let authenticated = Self(.success, 7, 0)

    /// The code 5.1.1.
    package static let unknownMailbox = Self(.permanent, 1, 1)
    /// The code 5.1.3.
    package static let badRecipientSyntax = Self(.permanent, 1, 3)
    /// The code 5.1.7.
    package static let badSenderSyntax = Self(.permanent, 1, 7)
    /// The code 5.2.1.
    package static let mailboxDisabled = Self(.permanent, 2, 1)
    /// The code 4.2.2.
    package static let mailboxFull = Self(.temporary, 2, 2)
    /// The code 4.3.0.
    package static let localTrouble = Self(.temporary, 3, 0)
    /// The code 4.3.1.
    package static let storageFull = Self(.temporary, 3, 1)
    /// The code 4.3.2.
    package static let shuttingDown = Self(.temporary, 3, 2)
    /// The code 5.3.4.
    package static let messageTooBig = Self(.permanent, 3, 4)
    /// The code 4.4.2.
    package static let timedOut = Self(.temporary, 4, 2)
    /// The code 5.4.6.
    package static let loop = Self(.permanent, 4, 6)
    /// The code 5.5.0.
    package static let protocolError = Self(.permanent, 5, 0)
    /// The code 5.5.1.
    package static let invalidCommand = Self(.permanent, 5, 1)
    /// The code 5.5.2.
    package static let badSyntax = Self(.permanent, 5, 2)
    /// The code 4.5.3.
    package static let tooManyRecipients = Self(.temporary, 5, 3)
    /// The code 5.5.4.
    package static let badArguments = Self(.permanent, 5, 4)
    /// The code 5.5.6.
    package static let loginLineTooLong = Self(.permanent, 5, 6)
    /// The code 5.6.0.
    package static let mediaError = Self(.permanent, 6, 0)
    /// The code 5.6.7.
    package static let internationalNotSupported = Self(.permanent, 6, 7)
    /// The code 5.6.11.
    package static let bareLineEnd = Self(.permanent, 6, 11)
    /// The code 5.7.0.
    package static let securityRequired = Self(.permanent, 7, 0)
    /// The code 4.7.0.
    package static let securityTrouble = Self(.temporary, 7, 0)
    /// The code 5.7.1.
    package static let notAuthorized = Self(.permanent, 7, 1)
    /// The code 5.7.8.
    package static let badCredentials = Self(.permanent, 7, 8)
    /// The code 5.7.11.
    package static let encryptionRequired = Self(.permanent, 7, 11)
}
