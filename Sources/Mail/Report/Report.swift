// SPDX-License-Identifier: Apache-2.0

/// What a sender is told about a message: a `multipart/report` (RFC 6522, RFC 3464).
///
/// It is written in three: ``opening(text:html:header:)``, the returned message through ``ReturnedContent``, and
/// ``ending``. All of it is ASCII in lines of up to 998 octets, whatever the message has, unless its form says 8bit.
package struct Report: Equatable, Sendable {
    /// What a report is about.
    package enum Kind: String, CaseIterable, Sendable {
        case failure, delay, success
    }

    package var kind: Kind
    /// The report's own id.
    package var id: QueueID
    /// When it is made, in seconds since 1970.
    package var time: Int
    /// Who reports.
    package var host: String
    /// Whom the report is from.
    package var from: MailAddress
    /// The message's sender.
    package var to: MailAddress
    /// The message's id.
    package var originalID: QueueID
    /// ENVID of RFC 3461 §4.4.
    package var envelopeID: XText?
    package var recipients: [ReportedRecipient]
    package var original: ReturnedMessage
    package var form: ReturnedForm

    package init(
        _ kind: Kind, id: QueueID, time: Int, host: String, from: MailAddress, to: MailAddress,
        originalID: QueueID, envelopeID: XText? = nil, recipients: [ReportedRecipient],
        original: ReturnedMessage, form: ReturnedForm
    ) {
        self.kind = kind
        self.id = id
        self.time = time
        self.host = host
        self.from = from
        self.to = to
        self.originalID = originalID
        self.envelopeID = envelopeID
        self.recipients = recipients
        self.original = original
        self.form = form
    }

    /// When the message arrived, in seconds since 1970.
    package var arrived: Int { Int(originalID.microseconds / 1_000_000) }

    /// Whether the report itself needs SMTPUTF8 to be sent.
    package var isInternational: Bool { !to.isASCII }

    /// Whether the status part needs UTF-8 (RFC 6533 §4).
    private var isStatusInternational: Bool {
        recipients.contains {
            !$0.recipient.address.isASCII || $0.recipient.original?.isASCII == false
        }
    }

    /// Everything before the returned message.
    ///
    /// - Parameters:
    ///   - text: For people, in plain text, with LF or CRLF.
    ///   - html: The same in HTML.
    ///   - header: Fields that the operator added, each with its CRLF.
    /// - Returns: Octets ending with CRLF.
    package func opening(text: String, html: String, header: String = "") -> [UInt8] {
        let outer = "=_\(id)"
        let inner = "=_\(id).words"
        var head = "Return-Path: <>\r\n"
        head += "Received: by \(host) (wMailServer)\r\n id \(id); \(MailDate(seconds: time))\r\n"
        head += "Date: \(MailDate(seconds: time))\r\n"
        head += "To: <\(to)>\r\n"
        head += header
        head += "Message-ID: <\(id)@\(from.domain.ascii)>\r\n"
        if let reference = original.messageID {
            head += "In-Reply-To: \(reference)\r\nReferences: \(reference)\r\n"
        }
        // RFC 3834 §5: nobody answers this by a machine.
        head += "Auto-Submitted: auto-replied\r\n"
        head += "MIME-Version: 1.0\r\n"
        head += "Content-Type: multipart/report; report-type=delivery-status;\r\n"
        head += " boundary=\"\(outer)\"\r\n"
        if form.isEightBit { head += "Content-Transfer-Encoding: 8bit\r\n" }
        head += "\r\nThis is a report about a message, in MIME format.\r\n"
        head += "\r\n--\(outer)\r\n"
        head += "Content-Type: multipart/alternative; boundary=\"\(inner)\"\r\n"
        head += "\r\n--\(inner)\r\n"
        head += Self.words("text/plain; charset=utf-8", text)
        head += "\r\n--\(inner)\r\n"
        head += Self.words("text/html; charset=utf-8", html)
        head += "\r\n--\(inner)--\r\n"
        head += "\r\n--\(outer)\r\n"
        head += status
        head += "\r\n--\(outer)\r\n"
        head += returnedHead
        return Array(head.utf8)
    }

    /// Everything after it.
    package var ending: [UInt8] { Array("\r\n--=_\(id)--\r\n".utf8) }

    private static func words(_ type: String, _ text: String) -> String {
        let encoded = QuotedPrintable.encode(text.utf8)
        return "Content-Type: \(type)\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            + String(decoding: encoded, as: UTF8.self) + "\r\n"
    }

    private var status: String {
        let isInternational = isStatusInternational
        let text = DeliveryStatus.text(of: self, isInternational: isInternational)
        guard isInternational else { return "Content-Type: message/delivery-status\r\n\r\n\(text)" }
        let encoded = QuotedPrintable.encode(text.utf8)
        return "Content-Type: message/global-delivery-status\r\n"
            + "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            + String(decoding: encoded, as: UTF8.self)
    }

    private var returnedHead: String {
        let (type, encoding) =
            switch form {
            case .message(let isEightBit): ("message/rfc822", isEightBit ? "8bit" : "7bit")
            case .internationalMessage: ("message/global", "base64")
            case .headers: ("text/rfc822-headers", "quoted-printable")
            case .internationalHeaders: ("message/global-headers", "quoted-printable")
            }
        return "Content-Type: \(type)\r\nContent-Transfer-Encoding: \(encoding)\r\n\r\n"
    }
}

extension OriginalRecipient {
    /// Whether it can be written in ASCII.
    var isASCII: Bool { address.utf8.allSatisfy { $0 < 0x80 } }
}

/// Encodes the returned message while it is read, in bounded memory.
package struct ReturnedContent: Sendable {
    private let form: ReturnedForm
    /// Octets that do not fill a line of base64 yet.
    private var rest: [UInt8] = []

    /// Octets that one line of base64 holds: 76 characters (RFC 2045 §6.8).
    private static let octetsPerLine = 57

    package init(_ form: ReturnedForm) {
        self.form = form
    }

    /// The whole of a header's part.
    package static func header(of message: ReturnedMessage) -> [UInt8] {
        QuotedPrintable.encode(message.header)
    }

    /// The next octets of a whole message.
    package mutating func encode(_ octets: [UInt8]) -> [UInt8] {
        guard form == .internationalMessage else { return octets }
        rest += octets
        let whole = rest.count / Self.octetsPerLine * Self.octetsPerLine
        let result = Self.lines(rest[..<whole])
        rest.removeFirst(whole)
        return result
    }

    /// What is left after the last octets.
    package mutating func end() -> [UInt8] {
        defer { rest = [] }
        return Self.lines(rest[...])
    }

    private static func lines(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var position = octets.startIndex
        while position < octets.endIndex {
            let end = min(position + octetsPerLine, octets.endIndex)
            result += Base64.encode(octets[position..<end])
            result += [0x0D, 0x0A]
            position = end
        }
        return result
    }
}
