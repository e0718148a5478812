// SPDX-License-Identifier: Apache-2.0

/// What the command line asks for, in the words that programs have used since sendmail(8) was new.
struct Invocation: Equatable, Sendable {
    /// What is to be done.
    enum Mode: Equatable, Sendable {
        /// Send the message on standard input.
        case send
        /// Speak SMTP on standard input and output (`-bs`).
        case session
        /// List the queue (`-bp`, mailq).
        case queue
        /// Nothing is compiled here (`-bi`, newaliases).
        case aliases
    }

    var mode = Mode.send
    /// `-f`, `-r`: the envelope's sender; empty for the null one, nil for the caller.
    var sender: String?
    /// `-F`: the sender's name in a From field that is added.
    var fullName: String?
    /// `-t`: recipients are in the header; those of the command line are taken off (RFC 5321 §3.9 leaves it open).
    var readsRecipients = false
    /// `-i`, `-oi`: a line with a dot alone does not end the message.
    var ignoresDots = false
    var recipients: [String] = []

    /// A command line that cannot be understood.
    struct Mistake: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// From the words of the command line, the program's name first.
    init(_ words: [String]) throws(Mistake) {
        switch words.first?.split(separator: "/").last {
        case "mailq": mode = .queue
        case "newaliases": mode = .aliases
        default: break
        }
        var rest = words.dropFirst()
        while let word = rest.first, word.hasPrefix("-"), word != "-" {
            rest = rest.dropFirst()
            if word == "--" { break }
            try take(word, &rest)
        }
        recipients = rest.flatMap { $0.split(separator: ",") }
            .map { String($0.trimmed) }.filter { !$0.isEmpty }
    }

    private mutating func take(
        _ word: String, _ rest: inout ArraySlice<String>
    ) throws(Mistake) {
        let letters = word.dropFirst()
        switch letters.first {
        case "b": try takeMode(letters.dropFirst())
        case "t": readsRecipients = true
        case "i": ignoresDots = true
        case "f", "r": sender = Self.path(try Self.value(word, &rest))
        case "F": fullName = try Self.value(word, &rest)
        case "o":
            if letters == "oi" { ignoresDots = true }
            // Options with a value of their own word: -o7, -oem, -odi … are one word each; "-o x" is two.
            if letters.count == 1 { _ = try Self.value(word, &rest) }
        // Taken for what they have always meant and not needed here: body type, DSN, hops, log, protocol, quiet.
        case "B", "N", "R", "V", "h", "L", "p", "X", "O", "C":
            _ = try Self.value(word, &rest)
        case "A", "G", "m", "n", "U", "v", "x", "e": break
        case "q": mode = .aliases
        default: throw Mistake(description: "unknown option \(word)")
        }
    }

    private mutating func takeMode(_ letters: Substring) throws(Mistake) {
        switch letters {
        case "m": mode = .send
        case "s": mode = .session
        case "p": mode = .queue
        case "i": mode = .aliases
        default:
            throw Mistake(description: "-b\(letters) is not supported; see wmailserver(8)")
        }
    }

    private static func value(
        _ word: String, _ rest: inout ArraySlice<String>
    ) throws(Mistake) -> String {
        if word.count > 2 { return String(word.dropFirst(2)) }
        guard let value = rest.popFirst() else {
            throw Mistake(description: "\(word) needs a value")
        }
        return value
    }

    /// Without the angle brackets that some callers add.
    private static func path(_ text: String) -> String {
        text.hasPrefix("<") && text.hasSuffix(">") && text.count >= 2
            ? String(text.dropFirst().dropLast()) : text
    }
}

extension Substring {
    /// Without blanks at both ends.
    var trimmed: Substring {
        var text = self
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
