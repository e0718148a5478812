// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// Puts a report into the operator's template; pure.
nonisolated struct ReportComposer: Equatable, Sendable {
    private let templates: [String: ReportTemplate]
    private static let builtIn = ReportTemplate(InitialFiles.reportTemplate)

    /// Characters of the original's header that people are shown.
    private static let originalLimit = 16_384

    /// A composer with the groups' templates.
    init(templates: [String: ReportTemplate]) {
        self.templates = templates
    }

    /// Everything of a report before the returned message.
    func opening(of report: Report, group: String) -> [UInt8] {
        let words = ReportWords(report)
        let template = template(for: report.kind, group: group)
        let values = Self.values(report, words)
        return report.opening(
            text: words.text, html: template.html(values),
            header: Self.header(of: template, values, report, title: words.title))
    }

    /// The group's template; good news do not go into one that itself speaks of failure, as the Python program's did.
    private func template(for kind: Report.Kind, group: String) -> ReportTemplate {
        guard let template = templates[group] ?? templates["default"] else { return Self.builtIn }
        let speaksOfFailure = (template.header + template.body).contains { piece in
            guard case .text(let text) = piece else { return false }
            return ["fail", "undeliver"].contains { text.lowercased().contains($0) }
        }
        return kind != .failure && speaksOfFailure ? Self.builtIn : template
    }

    // MARK: Values

    private typealias Values = [ReportTemplate.Variable: String]

    private static func values(_ report: Report, _ words: ReportWords) -> Values {
        let colors = Colors(report.kind)
        return [
            .time: "\(MailDate(seconds: report.time))", .mailFrom: "\(report.from)",
            .mailTo: "\(report.to)", .errorMailID: "\(report.id)",
            .userGroupDomain: report.from.domain.ascii, .title: words.title,
            .recipient: words.recipients, .reason: words.reason, .detail: words.detail,
            .original: String(report.original.headerText.prefix(originalLimit)),
            .subject: words.subject, .dsnTable: table(report),
            .backgroundColor: colors.background, .fontColor: colors.font,
            .headerColor: colors.header, .accentColor: colors.accent,
        ]
    }

    private static func table(_ report: Report) -> String {
        var rows = "<table border=\"1\" cellpadding=\"4\" style=\"border-collapse: collapse;\">\n"
        rows +=
            "<tr><th>Recipient</th><th>Result</th><th>Status</th><th>Server</th><th>Details</th></tr>\n"
        for reported in report.recipients.prefix(ReportWords.mostNamed) {
            let cells = [
                "\(reported.recipient.address)", reported.action.rawValue, "\(reported.status)",
                reported.record?.host ?? "",
                ReportWords.sentences(on: reported).joined(separator: " "),
            ]
            rows += "<tr>"
            for cell in cells { rows += "<td>\(ReportTemplate.escape(cell))</td>" }
            rows += "</tr>\n"
        }
        return rows + "</table>\n"
    }

    private struct Colors {
        let background = "#ffffff"
        let font = "#222222"
        let header: String
        let accent: String

        init(_ kind: Report.Kind) {
            switch kind {
            case .failure: (header, accent) = ("#a01818", "#c62828")
            case .delay: (header, accent) = ("#8a5a00", "#f0a000")
            case .success: (header, accent) = ("#1b5e20", "#2e7d32")
            }
        }
    }

    // MARK: Header

    /// Fields of the template that may be the operator's: all but those that make it a report.
    private static func header(
        of template: ReportTemplate, _ values: Values, _ report: Report, title: String
    ) -> String {
        var fields: [String] = []
        var names: Set<String> = []
        for (name, pieces) in lines(template.header) {
            let key = name.lowercased()
            guard !reserved.contains(key), !key.hasPrefix("content-"), names.insert(key).inserted
            else { continue }
            let value = pieces.map { piece in
                switch piece {
                case .text(let text): text
                case .variable(let variable): values[variable] ?? ""
                }
            }.joined()
            let trimmed = value.drop { $0 == " " || $0 == "\t" }
            if addressFields.contains(key) {
                guard let field = addressField(name, String(trimmed)) else {
                    names.remove(key)
                    continue
                }
                fields.append(field)
            } else {
                fields.append("\(name): \(EncodedWord.encode(String(trimmed)))\r\n")
            }
        }
        if !names.contains("from") {
            fields.insert("From: Mail Delivery System <\(report.from)>\r\n", at: 0)
        }
        if !names.contains("subject") {
            fields.append("Subject: \(EncodedWord.encode(title))\r\n")
        }
        return fields.joined()
    }

    private static let reserved: Set<String> = [
        "return-path", "received", "date", "to", "cc", "bcc", "sender", "message-id", "in-reply-to",
        "references", "mime-version", "auto-submitted", "status",
    ]
    private static let addressFields: Set<String> = ["from", "reply-to"]

    /// A field of addresses; nil unless it is one, in ASCII.
    private static func addressField(_ name: String, _ value: String) -> String? {
        guard value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), value.utf8.count < 900 else {
            return nil
        }
        do throws(AddressError) {
            guard try AddressList.addresses(in: Array(value.utf8)).count == 1 else { return nil }
            return "\(name): \(value)\r\n"
        } catch {
            return nil
        }
    }

    /// The template's header field by field; continuation lines belong to the field before.
    private static func lines(
        _ pieces: [ReportTemplate.Piece]
    ) -> [(name: String, value: [ReportTemplate.Piece])] {
        var fields: [(name: String, value: [ReportTemplate.Piece])] = []
        /// Whether the next text begins a line.
        var isAtStart = true
        for piece in pieces {
            guard case .text(let text) = piece else {
                if !fields.isEmpty, !isAtStart { fields[fields.count - 1].value.append(piece) }
                continue
            }
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated()
            {
                let begins = number > 0 || isAtStart
                let continues = line.first == " " || line.first == "\t"
                if begins, !continues, let colon = line.firstIndex(of: ":") {
                    let rest = String(line[line.index(after: colon)...])
                    fields.append((String(line[..<colon]), [.text(rest)]))
                } else if !fields.isEmpty, !line.isEmpty {
                    fields[fields.count - 1].value.append(.text(String(line)))
                }
                isAtStart = line.isEmpty && number > 0
            }
        }
        return fields
    }
}
