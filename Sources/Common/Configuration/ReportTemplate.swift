// SPDX-License-Identifier: Apache-2.0

/// `error.txt`: the human part of a report, with the Python program's variables.
package struct ReportTemplate: Equatable, Sendable {
    /// What a `$NAME` stands for.
    package enum Variable: String, CaseIterable, Sendable {
        /// When the report was made.
        case time = "TIME"
        /// Whom the report is from.
        case mailFrom = "MAIL_FROM"
        /// Whom the report is for.
        case mailTo = "MAIL_TO"
        /// The report's own unique id.
        case errorMailID = "ERROR_MAIL_ID"
        /// The group's first domain.
        case userGroupDomain = "USERGROUP_DOMAIN"
        /// The report's subject.
        case title = "TITLE"
        /// The recipient that it is about.
        case recipient = "RECIPIENT"
        /// What happened, in short.
        case reason = "REASON"
        /// What happened, in full.
        case detail = "DETAIL"
        /// The original message's headers.
        case original = "ORIGINAL"
        /// The original message's subject.
        case subject = "SUBJECT"
        /// All recipients with their outcomes, a table.
        case dsnTable = "DSN_TABLE"
        /// Colours that show how grave it is.
        case backgroundColor = "BGCOLOR"
        case fontColor = "FONTCOLOR"
        case headerColor = "HEADER_COLOR"
        case accentColor = "ACCENT_COLOR"

        /// Whether the value is HTML of our own making and goes in as it is.
        package var isMarkup: Bool { self == .dsnTable }
    }

    /// A stretch of the template.
    package enum Piece: Equatable, Sendable {
        case text(String)
        case variable(Variable)
    }

    /// The text before the first empty line: header fields of the report; may be empty.
    package let header: [Piece]
    /// The HTML behind it.
    package let body: [Piece]

    /// Takes a template apart; what is no known variable stays as it is, dollar sign and all.
    package init(_ text: String) {
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        // Without a header field at its beginning the template is all body.
        let hasHeader = lines.first.map(Self.isHeaderField) ?? false
        let end = hasHeader ? lines.firstIndex(of: "") ?? lines.endIndex : lines.startIndex
        header = Self.pieces(lines[..<end].joined(separator: "\n"))
        body = Self.pieces(
            lines[end...].drop { hasHeader && $0.isEmpty }.joined(separator: "\n"))
    }

    /// The HTML with every variable replaced once: a value that looks like a variable stays as it is.
    ///
    /// The values are plain text, which is escaped; those that are missing become empty.
    package func html(_ values: [Variable: String]) -> String {
        body.map { piece in
            switch piece {
            case .text(let text): text
            case .variable(let variable):
                variable.isMarkup
                    ? values[variable] ?? "" : Self.escape(values[variable] ?? "")
            }
        }.joined()
    }

    /// The template's text again.
    package var text: String {
        let head = Self.text(of: header)
        return head.isEmpty ? Self.text(of: body) : "\(head)\n\n\(Self.text(of: body))"
    }

    /// Text as HTML (the five characters that mean something there).
    package static func escape(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    private static func isHeaderField(_ line: Substring) -> Bool {
        guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { return false }
        return line[..<colon].utf8.allSatisfy {
            (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "<")
        }
    }

    private static func text(of pieces: [Piece]) -> String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .variable(let variable): "$\(variable.rawValue)"
            }
        }.joined()
    }

    /// The longest name wins, so that `$MAIL_FROM` is never read as something shorter.
    private static func pieces(_ text: String) -> [Piece] {
        let variables = Variable.allCases.sorted { $0.rawValue.count > $1.rawValue.count }
        var pieces: [Piece] = []
        var plain = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            plain += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if let variable = variables.first(where: { rest.hasPrefix($0.rawValue) }) {
                if !plain.isEmpty { pieces.append(.text(plain)) }
                plain = ""
                pieces.append(.variable(variable))
                rest = rest.dropFirst(variable.rawValue.count)
            } else {
                plain += "$"
            }
        }
        plain += rest
        if !plain.isEmpty { pieces.append(.text(plain)) }
        return pieces
    }
}
