// SPDX-License-Identifier: Apache-2.0
import Mail

/// Takes the lines of an mbox file and gives the messages in it: mboxrd, mboxo, mboxcl and mboxcl2.
///
/// A message begins with a `From ` line that has a date of asctime(3) and stands at the beginning or behind an empty
/// line. A Content-Length is believed when exactly there the next message begins, or the file ends; then a `From ` line
/// in the body is text. Otherwise lines that were quoted with `>` lose one.
struct MboxAssembler {
    /// Whether lines `>From ` lose a sign: `auto` does so unless a Content-Length was believed and the body has
    /// `From ` lines, which nobody who quotes would leave.
    enum Quoting: String, CaseIterable, Sendable {
        case auto
        /// Every line of `>`s and `From `.
        case rd
        /// `>From ` alone.
        case o
        case none
    }

    /// A message of an mbox.
    struct Entry: Equatable, Sendable {
        /// Without the `From ` line and the empty line behind it.
        var content: [UInt8]
        /// The `From ` line, without its end.
        var separator: [UInt8]
    }

    let quoting: Quoting
    private var separator: [UInt8]?
    private var lines: [[UInt8]] = []
    /// Octets of the body that Content-Length says are still to come; nil without one, or when it was wrong.
    private var remaining: Int?
    private var headerEnd: Int?

    init(quoting: Quoting = .auto) {
        self.quoting = quoting
    }

    /// Takes the next line with its end; gives the messages that are whole now.
    ///
    /// - Returns: None, one, or several when a Content-Length proves wrong; nil when the first line begins no message.
    mutating func take(_ line: [UInt8]) -> [Entry]? {
        guard separator != nil else {
            guard Self.beginsMessage(line, strict: false) else { return nil }
            begin(line)
            return []
        }
        if headerEnd == nil {
            lines.append(line)
            guard Self.isBlank(line) else {
                // A message of a header alone.
                guard lines.count > 1, Self.isBlank(lines[lines.count - 2]),
                    Self.beginsMessage(line)
                else {
                    return []
                }
                lines.removeLast()
                return finish(andBegin: line)
            }
            headerEnd = lines.count
            remaining = Self.contentLength(lines)
            return []
        }
        if let left = remaining {
            if left > 0 {
                lines.append(line)
                remaining = left - line.count
                return []
            }
            // Exactly here the next one begins, perhaps behind an empty line: else the length was wrong.
            if left == 0, Self.isBlank(line) {
                lines.append(line)
                remaining = 0
                return []
            }
            if left == 0, Self.beginsMessage(line) { return finish(andBegin: line) }
            return distrust(adding: line)
        }
        if Self.beginsMessage(line), Self.isBlank(lines.last ?? []) {
            return finish(andBegin: line)
        }
        lines.append(line)
        return []
    }

    /// The messages that end with the file.
    mutating func finish() -> [Entry] {
        guard separator != nil else { return [] }
        if let remaining, remaining > 0 || remaining < 0 {
            var found = distrust(adding: nil) ?? []
            found += finish()
            return found
        }
        let entry = current()
        separator = nil
        lines = []
        return [entry]
    }

    private mutating func begin(_ line: [UInt8]) {
        separator = Array(line.prefix { $0 != 0x0A && $0 != 0x0D })
        lines = []
        remaining = nil
        headerEnd = nil
    }

    private mutating func finish(andBegin line: [UInt8]) -> [Entry] {
        let entry = current()
        begin(line)
        return [entry]
    }

    /// Goes through the body again without a Content-Length.
    private mutating func distrust(adding line: [UInt8]?) -> [Entry]? {
        let body = Array(lines[(headerEnd ?? 0)...]) + (line.map { [$0] } ?? [])
        lines.removeSubrange((headerEnd ?? 0)...)
        remaining = nil
        var found: [Entry] = []
        for line in body { found += take(line) ?? [] }
        return found
    }

    private func current() -> Entry {
        var kept = lines[...]
        let start = headerEnd ?? 0
        // The empty line before the next message is the format's, not the message's.
        if kept.count > max(1, start), let last = kept.last, Self.isBlank(last) {
            kept.removeLast()
        }
        let isTrusted = remaining != nil
        let body = kept.dropFirst(start)
        let isPlain =
            switch quoting {
            case .none: true
            case .auto: isTrusted && body.contains { $0.starts(with: "From ".utf8) }
            case .rd, .o: false
            }
        let content = kept.enumerated().flatMap { index, line in
            index < start || isPlain ? line : unquoted(line)
        }
        return Entry(content: content, separator: separator ?? [])
    }

    private func unquoted(_ line: [UInt8]) -> [UInt8] {
        let signs = line.prefix { $0 == UInt8(ascii: ">") }.count
        guard signs > 0, quoting != .o || signs == 1,
            line.dropFirst(signs).starts(with: "From ".utf8)
        else { return line }
        return Array(line.dropFirst())
    }

    private static func isBlank(_ line: [UInt8]) -> Bool { line == [0x0A] || line == [0x0D, 0x0A] }

    private static func contentLength(_ header: [[UInt8]]) -> Int? {
        for line in header where line.count > 15 {
            let text = String(decoding: line, as: UTF8.self).lowercased()
            guard text.hasPrefix("content-length:") else { continue }
            return Int(text.dropFirst(15).filter { !$0.isWhitespace })
        }
        return nil
    }

    /// Whether a line separates messages.
    static func beginsMessage(_ line: [UInt8], strict: Bool = true) -> Bool {
        line.starts(with: "From ".utf8) && (!strict || arrival(line) != nil)
    }

    private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The date of a `From ` line in seconds since 1970, read as UTC; nil when there is none of asctime(3).
    static func arrival(_ line: [UInt8]) -> Int? {
        let words = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace)
            .map(String.init)
        for start in words.indices.dropFirst() where weekdays.contains(words[start]) {
            guard words.count >= start + 5, let month = months.firstIndex(of: words[start + 1]),
                let day = Int(words[start + 2]), (1...31).contains(day)
            else { continue }
            let clock = words[start + 3].split(separator: ":").compactMap { Int($0) }
            let year = words[(start + 4)...].prefix(2).first { $0.count == 4 && Int($0) != nil }
            guard clock.count >= 2, let year else { continue }
            func pad(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
            let text =
                "\(year)-\(pad(month + 1))-\(pad(day))T\(pad(clock[0])):\(pad(clock[1])):"
                + "\(pad(clock.count > 2 ? clock[2] : 0))Z"
            return Timestamp.seconds(text.utf8)
        }
        return nil
    }
}
