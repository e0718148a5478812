// SPDX-License-Identifier: Apache-2.0

/// The part of a report that programs read (RFC 3464 §2, RFC 6533 §4): groups of fields, each ending with CRLF.
package enum DeliveryStatus {
    /// The whole part.
    ///
    /// - Parameters:
    ///   - report: What is to be told.
    ///   - isInternational: Whether addresses are written in UTF-8, as `message/global-delivery-status`.
    /// - Returns: Lines of up to 998 octets.
    package static func text(of report: Report, isInternational: Bool) -> String {
        var groups = [message(report)]
        groups += report.recipients.map { recipient($0, isInternational) }
        return groups.joined(separator: "\r\n")
    }

    /// The fields about the message (RFC 3464 §2.2).
    private static func message(_ report: Report) -> String {
        var fields: [String] = []
        if let id = report.envelopeID {
            fields.append(field("Original-Envelope-Id", id.text, isInternational: false))
        }
        fields.append(field("Reporting-MTA", "dns; \(report.host)", isInternational: false))
        fields.append("X-wMailServer-Queue-ID: \(report.originalID)\r\n")
        fields.append("Arrival-Date: \(MailDate(seconds: report.arrived))\r\n")
        return fields.joined()
    }

    /// The fields about a recipient (RFC 3464 §2.3).
    private static func recipient(_ reported: ReportedRecipient, _ isInternational: Bool) -> String
    {
        var fields: [String] = []
        if let original = reported.recipient.original {
            fields.append(
                field(
                    "Original-Recipient", "\(original.type); \(original.decodedAddress)",
                    isInternational: isInternational))
        }
        fields.append(
            field(
                "Final-Recipient", address(reported.recipient.address),
                isInternational: isInternational))
        fields.append("Action: \(reported.action.rawValue)\r\n")
        fields.append("Status: \(reported.status)\r\n")
        if let record = reported.record {
            if let name = record.host.split(separator: " ").first {
                fields.append(
                    field("Remote-MTA", "dns; \(name)", isInternational: isInternational))
            }
            let type = record.outcome.isRemote ? "smtp" : "X-wMailServer"
            if !record.outcome.text.isEmpty {
                fields.append(
                    field(
                        "Diagnostic-Code", "\(type); \(record.outcome.text)",
                        isInternational: isInternational))
            }
        }
        if let time = reported.lastAttempt {
            fields.append("Last-Attempt-Date: \(MailDate(seconds: time))\r\n")
        }
        if reported.action == .delayed, let time = reported.willRetryUntil {
            fields.append("Will-Retry-Until: \(MailDate(seconds: time))\r\n")
        }
        return fields.joined()
    }

    private static func address(_ address: MailAddress) -> String {
        address.isASCII ? "rfc822; \(address)" : "utf-8; \(address)"
    }

    /// Octets of a value; what a server says may be long, and nobody reads on.
    private static let valueLimit = 2000

    /// A field, folded; nothing in the value can begin another one.
    private static func field(_ name: String, _ value: String, isInternational: Bool) -> String {
        var text = "\(name):"
        var column = text.utf8.count
        var total = 0
        for word in words(value, isInternational) {
            guard total < valueLimit else { break }
            if column + 1 + word.utf8.count > 78, column > name.utf8.count + 1 {
                text += "\r\n"
                column = 0
            }
            text += " \(word)"
            column += 1 + word.utf8.count
            total += 1 + word.utf8.count
        }
        return text + "\r\n"
    }

    /// Words without control characters; those that no line could hold are cut in pieces.
    private static func words(_ value: String, _ isInternational: Bool) -> [String] {
        var words: [String] = []
        var word = ""
        for scalar in value.unicodeScalars {
            if scalar.value <= 0x20 || (0x7F..<0xA0).contains(scalar.value) {
                if !word.isEmpty { words.append(word) }
                word = ""
                continue
            }
            word.unicodeScalars.append(scalar.isASCII || isInternational ? scalar : "?")
            if word.utf8.count > 700 {
                words.append(word)
                word = ""
            }
        }
        return word.isEmpty ? words : words + [word]
    }
}
