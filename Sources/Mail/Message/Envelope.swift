// SPDX-License-Identifier: Apache-2.0

/// What is said about a message outside of it: one transaction's MAIL and RCPT commands.
package struct Envelope: Equatable, Sendable {
    package var sender: ReversePath
    package var recipients: [Recipient]
    package var body: BodyType
    /// Whether addresses and header may have UTF-8 (RFC 6531).
    package var isInternational: Bool
    /// How much of the message a report shall return (RFC 3461 §4.3).
    package var returnContent: ReturnContent?
    /// The sender's own name for the transaction (RFC 3461 §4.4).
    package var identifier: XText?
    /// The account that the client logged in as.
    package var login: String?

    /// An envelope from a sender to recipients.
    package init(
        sender: ReversePath, recipients: [Recipient] = [], body: BodyType = .sevenBit,
        isInternational: Bool = false, returnContent: ReturnContent? = nil,
        identifier: XText? = nil, login: String? = nil
    ) {
        self.sender = sender
        self.recipients = recipients
        self.body = body
        self.isInternational = isInternational
        self.returnContent = returnContent
        self.identifier = identifier
        self.login = login
    }

    /// What the client declared of the message's octets (RFC 6152).
    package enum BodyType: String, Sendable {
        case sevenBit = "7BIT"
        case eightBit = "8BITMIME"
    }

    /// RET of RFC 3461 §4.3.
    package enum ReturnContent: String, Sendable {
        case full = "FULL"
        case headers = "HDRS"
    }
}

/// One recipient of an envelope.
package struct Recipient: Hashable, Sendable {
    package var address: MailAddress
    /// When to report; nil leaves it to the servers: on failure and delay.
    package var notify: Notify?
    /// The address that the sender wrote, before any forwarding.
    package var original: OriginalRecipient?

    /// A recipient with the DSN parameters of its RCPT.
    package init(
        _ address: MailAddress, notify: Notify? = nil, original: OriginalRecipient? = nil
    ) {
        self.address = address
        self.notify = notify
        self.original = original
    }

    /// NOTIFY of RFC 3461 §4.1; empty is NEVER.
    package struct Notify: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let success = Self(rawValue: 1)
        package static let failure = Self(rawValue: 2)
        package static let delay = Self(rawValue: 4)
        package static let never: Self = []

        /// The parameter's value, such as `SUCCESS,FAILURE`.
        package var text: String {
            if isEmpty { return "NEVER" }
            let names: [(Self, String)] = [
                (.success, "SUCCESS"), (.failure, "FAILURE"), (.delay, "DELAY"),
            ]
            return names.filter { contains($0.0) }.map(\.1).joined(separator: ",")
        }
    }
}

/// ORCPT of RFC 3461 §4.2.
package struct OriginalRecipient: Hashable, Sendable {
    /// `rfc822`, `utf-8` (RFC 6533 §3) or another, in lower case.
    package let type: String
    /// As it was sent: xtext, or for `utf-8` what RFC 6533 §3 allows.
    package let address: String

    /// RFC 3461 §4.2.
    package static let lengthLimit = 500

    /// The value that a parameter spells; nil unless it is `type;address` in printable encoding.
    ///
    /// Postfix writes UTF-8 addresses as xtext under the type `rfc822`; RFC 6533 §3 gives them the type `utf-8`, and so
    /// do we.
    package init?(parameter: ArraySlice<UInt8>) {
        guard parameter.count <= Self.lengthLimit,
            let semicolon = parameter.firstIndex(of: UInt8(ascii: ";"))
        else { return nil }
        let type = parameter[..<semicolon]
        let address = parameter[(semicolon + 1)...]
        guard !type.isEmpty, type.allSatisfy(LocalPart.isAtomText), type.allSatisfy({ $0 < 0x80 }),
            !address.isEmpty, let text = String(validating: address, as: UTF8.self)
        else { return nil }
        let name = String(decoding: type.map(\.asciiLowercase), as: UTF8.self)
        if name == "utf-8" {
            guard Self.isInternational(address) else { return nil }
        } else if XText(encoded: address) == nil {
            guard name == "rfc822", let octets = XText.octets(encoded: address),
                let decoded = String(validating: octets, as: UTF8.self),
                !decoded.unicodeScalars.contains(where: {
                    $0.properties.generalCategory == .control
                })
            else { return nil }
            self.type = "utf-8"
            self.address = Self.international(decoded)
            return
        }
        self.type = name
        self.address = text
    }

    /// The address that mail was sent to before an alias led it on.
    package init(address: MailAddress) {
        let text = "\(address)"
        if let plain = XText(text) {
            type = "rfc822"
            self.address = plain.encoded
        } else {
            type = "utf-8"
            self.address = Self.international(text)
        }
    }

    /// `utf-8-addr-unitext` of RFC 6533 §3: only these must be written by number.
    private static func international(_ text: String) -> String {
        byNumber(text) { " +=\\".unicodeScalars.contains($0) }
    }

    private static func byNumber(
        _ text: String, where isWanted: (Unicode.Scalar) -> Bool
    ) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            if isWanted(scalar) {
                result += "\\x{\(String(scalar.value, radix: 16, uppercase: true))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }

    /// The address without its encoding; for `utf-8` as it was sent.
    package var decodedAddress: String {
        XText(encoded: Array(address.utf8)[...])?.text ?? address
    }

    /// As a parameter's value.
    package var parameter: String { "\(type);\(address)" }

    /// The same for a server that does not know SMTPUTF8: `utf-8-addr-xtext` (RFC 6533 §3).
    package var asciiParameter: String {
        "\(type);\(Self.byNumber(address) { !$0.isASCII })"
    }

    /// `utf-8-addr-xtext` or `utf-8-addr-unitext` (RFC 6533 §3): printable, `\x{…}` for the rest.
    private static func isInternational(_ bytes: ArraySlice<UInt8>) -> Bool {
        var cursor = ByteCursor(Array(bytes))
        while let byte = cursor.next() {
            guard byte > 0x20, byte != 0x7F, byte != UInt8(ascii: "+"), byte != UInt8(ascii: "=")
            else { return false }
            guard byte == UInt8(ascii: "\\") else { continue }
            guard cursor.skip(UInt8(ascii: "x")), cursor.skip(UInt8(ascii: "{")) else {
                return false
            }
            let digits = cursor.take { $0.hexadecimalValue != nil }
            guard (2...6).contains(digits.count), cursor.skip(UInt8(ascii: "}")),
                let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(value),
                scalar.properties.generalCategory != .control
            else { return false }
        }
        return true
    }
}
