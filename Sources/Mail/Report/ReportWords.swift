// SPDX-License-Identifier: Apache-2.0

/// What a report says to people, in plain text.
package struct ReportWords: Equatable, Sendable {
    private let report: Report

    /// Recipients that are named to people; the status part has them all.
    package static let mostNamed = 100
    /// Characters of what a server said that people are shown.
    private static let detailLimit = 600

    package init(_ report: Report) {
        self.report = report
    }

    /// The subject.
    package var title: String {
        switch report.kind {
        case .failure: "Delivery report: failed"
        case .delay: "Delivery report: delayed"
        case .success: "Delivery report: succeeded"
        }
    }

    /// What happened, in a sentence or two.
    package var reason: String {
        switch report.kind {
        case .failure:
            return "Your message could not be delivered to the recipients named here."
                + " It will not be tried again."
        case .delay:
            let until = report.recipients.lazy.compactMap(\.willRetryUntil).first
            let end = until.map { " until \(MailDate(seconds: $0))" } ?? ""
            return "Your message could not be delivered yet. The server goes on trying\(end)."
                + " You need not send it again."
        case .success:
            let isPassedOn = report.recipients.contains { $0.action == .relayed }
            return isPassedOn
                ? "Your message was handed over to the recipients' mail server,"
                    + " which sends no reports of its own."
                : "Your message was delivered."
        }
    }

    /// The recipients in one line.
    package var recipients: String {
        let named = report.recipients.prefix(Self.mostNamed).map { "\($0.recipient.address)" }
        let others = report.recipients.count - named.count
        return named.joined(separator: ", ") + (others > 0 ? " and \(others) others" : "")
    }

    /// What happened to each, in one line.
    package var detail: String {
        let lines = report.recipients.prefix(Self.mostNamed).map { reported in
            "\(reported.recipient.address): " + Self.sentences(on: reported).joined(separator: " ")
        }
        return lines.joined(separator: " ")
    }

    /// The subject of the message that this is about, for people.
    package var subject: String {
        let subject = report.original.subject
        return subject.isEmpty ? "(no subject)" : String(subject.prefix(200))
    }

    /// All of it as plain text, lines ending with LF.
    package var text: String {
        var lines = [
            "This is the mail server \(report.host).", "", reason, "",
            "Subject: \(subject)", "Sent:    \(MailDate(seconds: report.arrived))", "",
        ]
        for reported in report.recipients.prefix(Self.mostNamed) {
            lines.append("<\(reported.recipient.address)>")
            lines += Self.sentences(on: reported).map { "    \($0)" }
            lines.append("")
        }
        if report.recipients.count > Self.mostNamed {
            lines += ["and \(report.recipients.count - Self.mostNamed) others.", ""]
        }
        let returned = report.form.isWhole ? "your message" : "the header of your message"
        lines.append("Attached: the details for a mail server's operator, and \(returned).")
        return lines.joined(separator: "\n") + "\n"
    }

    /// What is known of one recipient: what it means, what was said, what helps.
    package static func sentences(on reported: ReportedRecipient) -> [String] {
        var sentences = [meaning(of: reported)]
        if let record = reported.record, reported.action != .delivered {
            let outcome = record.outcome
            let text = oneLine(outcome.text)
            let host = record.host.split(separator: " ").first.map(String.init)
            if outcome.isRemote, !text.isEmpty {
                sentences.append("\(host ?? "The other server") answered: \(text)")
            } else if !text.isEmpty {
                sentences.append(host.map { "\($0): \(text)." } ?? "In detail: \(text).")
            }
            if !record.cause.isEmpty { sentences.append(oneLine(record.cause)) }
        }
        return sentences
    }

    private static func meaning(of reported: ReportedRecipient) -> String {
        switch reported.action {
        case .delivered: return "It is in the mailbox."
        case .relayed: return "It was handed over to the next server, which sends no reports."
        case .expanded: return "It was sent on to the members of this address."
        case .delayed:
            return reported.record.flatMap { StatusMeaning.sentence(for: $0.outcome.status) }
                ?? "It did not work yet."
        case .failed:
            let last = reported.record?.outcome.status ?? reported.status
            let meaning = StatusMeaning.sentence(for: last)
            guard reported.status.isTemporary else {
                return meaning ?? "The other server refuses the message."
            }
            return "All attempts failed until the time was over."
                + (meaning.map { " \($0)" } ?? "")
        }
    }

    private static func oneLine(_ text: String) -> String {
        let words = text.unicodeScalars.split {
            $0.value <= 0x20 || (0x7F..<0xA0).contains($0.value)
        }
        let line = words.map { String(String.UnicodeScalarView($0)) }.joined(separator: " ")
        return line.count > detailLimit ? line.prefix(detailLimit) + "…" : line
    }
}
