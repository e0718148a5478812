// SPDX-License-Identifier: Apache-2.0

/// Dovecot's `dovecot-uidlist`: which message has which number, and so which POP3 unique id clients have seen.
struct DovecotUIDList: Equatable, Sendable {
    /// What the list says of a message.
    struct Entry: Equatable, Sendable {
        let uid: UInt32
        /// `P…`: a unique id that was saved or brought along from another server; it overrides the format.
        var saved: String?
        /// `O…`: the POP3 order, where it differs from that of the numbers.
        var order: UInt32?
        /// `G…`: the message's name that no other has.
        var guid: String?
    }

    let uidValidity: UInt32
    /// By file name without flags.
    let entries: [String: Entry]

    /// Reads the file, versions 1 and 3; nil when it is neither.
    init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        guard let header = lines.first?.split(separator: " "), let version = header.first else {
            return nil
        }
        var validity: UInt32?
        switch version {
        case "1": validity = header.count > 1 ? UInt32(header[1]) : nil
        case "3":
            for field in header.dropFirst() where field.first == "V" {
                validity = UInt32(field.dropFirst())
            }
        default: return nil
        }
        guard let validity else { return nil }
        uidValidity = validity
        var entries: [String: Entry] = [:]
        for line in lines.dropFirst() {
            guard let (name, entry) = Self.entry(line, version: version) else { continue }
            entries[name] = entry
        }
        self.entries = entries
    }

    private static func entry(_ line: Substring, version: Substring) -> (String, Entry)? {
        guard let space = line.firstIndex(of: " "), let uid = UInt32(line[..<space]) else {
            return nil
        }
        var entry = Entry(uid: uid)
        let rest = line[line.index(after: space)...]
        var name = rest
        if version == "3" {
            // `<uid> <fields> :<file name>`; the name may have a colon of its own before the flags.
            guard let colon = rest.hasPrefix(":") ? rest.startIndex : rest.range(ofColon: ()) else {
                return nil
            }
            for field in rest[..<colon].split(separator: " ") {
                switch field.first {
                case "P": entry.saved = String(field.dropFirst())
                case "O": entry.order = UInt32(field.dropFirst())
                case "G": entry.guid = String(field.dropFirst())
                default: continue
                }
            }
            name = rest[rest.index(after: colon)...]
        }
        let base = name.prefix { $0 != ":" }
        return base.isEmpty ? nil : (String(base), entry)
    }
}

extension Substring {
    /// The colon behind a space that begins the file name.
    fileprivate func range(ofColon: Void) -> Index? {
        var previous: Character = "\n"
        for index in indices {
            if self[index] == ":", previous == " " { return index }
            previous = self[index]
        }
        return nil
    }
}

/// Dovecot's setting `pop3_uidl_format`, by which a unique id is made of what the list says.
struct UIDLFormat: Sendable {
    /// Dovecot's default since 1.0.
    static let standard = "%08Xu%08Xv"

    private enum Part: Sendable {
        case text(String)
        case variable(Character, width: Int, zeros: Bool, hexadecimal: Bool, upper: Bool)
    }

    private let parts: [Part]

    /// Reads a format; nil for one with other variables than `%u`, `%v`, `%f` and `%g`.
    init?(_ format: String) {
        var parts: [Part] = []
        var rest = Array(format)[...]
        while let character = rest.popFirst() {
            guard character == "%" else {
                parts.append(.text(String(character)))
                continue
            }
            if rest.first == "%" {
                parts.append(.text(String(rest.removeFirst())))
                continue
            }
            let zeros = rest.first == "0"
            var digits = ""
            while let digit = rest.first, digit.isASCII, digit.isNumber {
                digits.append(rest.removeFirst())
            }
            // Dovecot: %X is hexadecimal in either spelling; `L` and `U` change the case.
            var (hexadecimal, upper) = (false, false)
            while let modifier = rest.first, "XxLUD".contains(modifier) {
                if "Xx".contains(modifier) { hexadecimal = true }
                if modifier == "U" { upper = true }
                rest.removeFirst()
            }
            guard let variable = rest.popFirst(), "uvfg".contains(variable) else { return nil }
            parts.append(
                .variable(
                    variable, width: Int(digits) ?? 0, zeros: zeros, hexadecimal: hexadecimal,
                    upper: upper))
        }
        self.parts = parts
    }

    /// The unique id of a message.
    func text(_ entry: DovecotUIDList.Entry, validity: UInt32, fileName: String) -> String {
        if let saved = entry.saved, !saved.isEmpty { return saved }
        return parts.map { part in
            switch part {
            case .text(let text): return text
            case .variable(let variable, let width, let zeros, let hexadecimal, let upper):
                var text: String
                switch variable {
                case "u": text = String(entry.uid, radix: hexadecimal ? 16 : 10)
                case "v": text = String(validity, radix: hexadecimal ? 16 : 10)
                case "f": text = fileName
                default: text = entry.guid ?? fileName
                }
                if upper { text = text.uppercased() }
                let padding = String(
                    repeating: zeros ? "0" : " ", count: max(0, width - text.count))
                return padding + text
            }
        }.joined()
    }
}
