// SPDX-License-Identifier: Apache-2.0
import Mail

extension Submission {
    /// A header field with the lines that it is folded into.
    struct Field: Equatable {
        /// In lower case.
        let name: String
        /// Without line ends.
        var lines: [ArraySlice<UInt8>]

        /// What follows the colon, unfolded.
        var text: String {
            let whole = lines.flatMap(\.self)
            return String(
                decoding: whole.drop { $0 != UInt8(ascii: ":") }.dropFirst(), as: UTF8.self)
        }

        /// As it is sent: a From or a recipient that is one bare name gets the domain, all else stays as it is.
        func bytes(completedWith mailName: String) -> [UInt8] {
            let bare = Substring(text).trimmed
            if ["from", "to", "cc", "sender", "reply-to"].contains(name), lines.count == 1,
                let completed = Submission.completed(String(bare), mailName)
            {
                let title = lines[0].prefix { $0 != UInt8(ascii: ":") }
                return Array(title) + Array(": \(completed)\r\n".utf8)
            }
            return lines.flatMap { $0 + [0x0D, 0x0A] }
        }
    }

    /// The name of the field that a line begins, in lower case (RFC 5322 §2.2); nil when it begins none.
    static func fieldName(_ line: ArraySlice<UInt8>) -> String? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        return String(decoding: line[..<colon], as: UTF8.self).lowercased()
    }

    static func fields(_ lines: ArraySlice<ArraySlice<UInt8>>) -> [Field] {
        var fields: [Field] = []
        for line in lines {
            if line.first == 0x20 || line.first == 0x09, !fields.isEmpty {
                fields[fields.count - 1].lines.append(line)
            } else if let name = fieldName(line) {
                fields.append(Field(name: name, lines: [line]))
            }
        }
        return fields
    }

    /// The addresses of a field; bare names get the mail name.
    static func addresses(
        _ text: String, _ mailName: String
    ) throws(Invocation.Mistake) -> [String] {
        let whole = elements(text).map { completed($0, mailName) ?? $0 }.joined(separator: ", ")
        do throws(AddressError) {
            return try AddressList.addresses(in: Array(whole.utf8)).map(\.description)
        } catch {
            throw Invocation.Mistake(description: "cannot read the addresses \(text)")
        }
    }

    /// `root` → `root@mailname`, `Cron <root>` and `root (Cron Daemon)` likewise; nil where there is a domain, or
    /// something else than a name.
    static func completed(_ text: String, _ mailName: String) -> String? {
        if text.contains("@") || text.contains(",") || text.contains("\"") { return nil }
        let isName = { (name: Substring) in
            !name.isEmpty
                && name.utf8.allSatisfy { octet in
                    octet > 0x20 && octet < 0x7F && !"()<>[]:;,\\\"".utf8.contains(octet)
                }
        }
        if let open = text.firstIndex(of: "<"), text.hasSuffix(">") {
            let name = text[text.index(after: open)...].dropLast()
            return isName(name) ? "\(text[..<open])<\(name)@\(mailName)>" : nil
        }
        let name = Substring(text.prefix { $0 != " " && $0 != "(" })
        let comment = text[name.endIndex...].trimmed
        guard isName(name), comment.isEmpty || (comment.hasPrefix("(") && comment.hasSuffix(")"))
        else { return nil }
        return "\(name)@\(mailName)" + (comment.isEmpty ? "" : " \(comment)")
    }

    /// A list at its commas, those in quotes, comments and brackets aside.
    static func elements(_ text: String) -> [String] {
        var elements: [String] = []
        var current = ""
        var depth = 0
        var isQuoted = false
        for character in text {
            switch character {
            case "\"": isQuoted.toggle()
            case "(", "<": if !isQuoted { depth += 1 }
            case ")", ">": if !isQuoted { depth -= 1 }
            default: break
            }
            if character == ",", depth <= 0, !isQuoted {
                elements.append(String(Substring(current).trimmed))
                current = ""
            } else {
                current.append(character)
            }
        }
        elements.append(String(Substring(current).trimmed))
        return elements.filter { !$0.isEmpty }
    }
}
