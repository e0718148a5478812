// SPDX-License-Identifier: Apache-2.0
package import Mail

/// The parameters of MAIL.
package struct MailParameters: Equatable, Sendable {
    /// SIZE: octets, as the client estimates (RFC 1870).
    package var size: Int?
    /// BODY (RFC 6152).
    package var body: Envelope.BodyType?
    /// SMTPUTF8 (RFC 6531).
    package var isInternational = false
    /// RET (RFC 3461 §4.3).
    package var returnContent: Envelope.ReturnContent?
    /// ENVID (RFC 3461 §4.4).
    package var identifier: XText?
    /// AUTH was given (RFC 4954 §5); its value is not trusted, and so not kept.
    package var hasAuthor = false

    package init() {}
}

/// The parameters of RCPT.
package struct RecipientParameters: Equatable, Sendable {
    /// NOTIFY (RFC 3461 §4.1).
    package var notify: Recipient.Notify?
    /// ORCPT (RFC 3461 §4.2).
    package var original: OriginalRecipient?

    package init() {}
}

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]` (RFC 5321 §4.1.2).
struct ParameterList {
    struct Parameter {
        let keyword: String
        let value: ArraySlice<UInt8>?
    }

    let parameters: [Parameter]

    /// What follows a path, up to the end of the line.
    init(from cursor: inout ByteCursor) throws(SyntaxError) {
        var parameters: [Parameter] = []
        while !cursor.isAtEnd {
            guard cursor.skip(.space) else { throw .malformed(usage: "a space before parameters") }
            cursor.skipSpaces()
            if cursor.isAtEnd { break }
            let keyword = cursor.take {
                $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-")
            }
            guard let first = keyword.first, first != UInt8(ascii: "-") else {
                throw .malformed(usage: "KEYWORD=value parameters")
            }
            let name = String(decoding: keyword.map(\.asciiUppercase), as: UTF8.self)
            var value: ArraySlice<UInt8>?
            if cursor.skip(UInt8(ascii: "=")) {
                let text = cursor.take { $0 > 0x20 && $0 != 0x7F }
                guard !text.isEmpty else { throw .badParameter(name) }
                value = text
            }
            guard !parameters.contains(where: { $0.keyword == name }) else {
                throw .repeatedParameter(name)
            }
            parameters.append(Parameter(keyword: name, value: value))
        }
        self.parameters = parameters
    }
}

extension MailParameters {
    /// The parameters that follow MAIL's path.
    init(from cursor: inout ByteCursor, offered: Extensions) throws(SyntaxError) {
        for parameter in try ParameterList(from: &cursor).parameters {
            let value = parameter.value
            switch parameter.keyword {
            case "SIZE" where offered.contains(.size):
                // 1*20DIGIT; what no Int holds is too big for any server.
                guard let value, value.count <= 20, value.allSatisfy(\.isASCIIDigit)
                else { throw .badParameter("SIZE") }
                size = Int(String(decoding: value, as: UTF8.self)) ?? .max
            case "BODY" where offered.contains(.eightBitMIME):
                guard let type = value.flatMap({ Envelope.BodyType(rawValue: $0.asciiUppercased) })
                else { throw .badParameter("BODY") }
                body = type
            case "SMTPUTF8" where offered.contains(.smtpUTF8):
                guard value == nil else { throw .badParameter("SMTPUTF8") }
                isInternational = true
            case "RET" where offered.contains(.dsn):
                guard
                    let content = value.flatMap({
                        Envelope.ReturnContent(rawValue: $0.asciiUppercased)
                    })
                else { throw .badParameter("RET") }
                returnContent = content
            case "ENVID" where offered.contains(.dsn):
                guard let value, value.count <= 100, let text = XText(encoded: value)
                else { throw .badParameter("ENVID") }
                identifier = text
            case "AUTH":
                guard let value, value.elementsEqual("<>".utf8) || XText(encoded: value) != nil
                else { throw .badParameter("AUTH") }
                hasAuthor = true
            default: throw .unknownParameter
            }
        }
    }
}

extension RecipientParameters {
    /// The parameters that follow RCPT's path.
    init(from cursor: inout ByteCursor, offered: Extensions) throws(SyntaxError) {
        for parameter in try ParameterList(from: &cursor).parameters {
            switch parameter.keyword {
            case "NOTIFY" where offered.contains(.dsn):
                guard let notify = parameter.value.flatMap(Self.notify)
                else { throw .badParameter("NOTIFY") }
                self.notify = notify
            case "ORCPT" where offered.contains(.dsn):
                guard let original = parameter.value.flatMap(OriginalRecipient.init(parameter:))
                else { throw .badParameter("ORCPT") }
                self.original = original
            default: throw .unknownParameter
            }
        }
    }

    /// `NEVER`, or a list without it.
    private static func notify(_ value: ArraySlice<UInt8>) -> Recipient.Notify? {
        if value.asciiUppercased == "NEVER" { return .never }
        var notify: Recipient.Notify = []
        for word in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            switch word.asciiUppercased {
            case "SUCCESS": notify.insert(.success)
            case "FAILURE": notify.insert(.failure)
            case "DELAY": notify.insert(.delay)
            default: return nil
            }
        }
        return notify
    }
}

extension Sequence<UInt8> {
    /// As text with ASCII letters in upper case.
    var asciiUppercased: String { String(decoding: map(\.asciiUppercase), as: UTF8.self) }
}
