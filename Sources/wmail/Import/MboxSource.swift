// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// The messages of an mbox file, read part by part.
struct MboxSource: MessageSource, ~Copyable {
    let count: Int? = nil

    private let file: File
    private var assembler: MboxAssembler
    private var offset = 0
    private var line: [UInt8] = []
    private var buffer: [UInt8] = []
    private var position = 0
    private var ready: [MboxAssembler.Entry] = []
    private var isAtEnd = false
    /// How often a content came before: mailboxes may hold one message twice.
    private var occurrences: [[UInt8]: Int] = [:]
    private var last: UInt64 = 0

    /// Opens the file.
    ///
    /// - Throws: ``Failure`` when it cannot be opened.
    init(_ path: String, quoting: MboxAssembler.Quoting) throws(Failure) {
        file = try translating { () throws(SystemError) in try File(path: path) }
        assembler = MboxAssembler(quoting: quoting)
    }

    mutating func next() throws(Failure) -> Found? {
        while ready.isEmpty, !isAtEnd { try read() }
        guard !ready.isEmpty else { return nil }
        return found(ready.removeFirst())
    }

    private mutating func read() throws(Failure) {
        guard let line = try nextLine() else {
            isAtEnd = true
            ready += assembler.finish()
            return
        }
        guard let entries = assembler.take(line) else {
            throw Failure(
                "\(file.path) is no mbox file: its first line does not begin with \"From \"",
                cure: "for a folder of files use wmail import maildir")
        }
        ready += entries
    }

    private mutating func nextLine() throws(Failure) -> [UInt8]? {
        var line: [UInt8] = []
        while true {
            if position == buffer.count {
                let start = offset
                buffer = try translating { () throws(SystemError) in
                    try file.read(atMost: 1 << 20, at: start)
                }
                position = 0
                offset += buffer.count
                if buffer.isEmpty { return line.isEmpty ? nil : line }
            }
            let end = buffer[position...].firstIndex(of: 0x0A).map { $0 + 1 } ?? buffer.count
            line += buffer[position..<end]
            position = end
            if line.last == 0x0A { return line }
        }
    }

    private mutating func found(_ entry: MboxAssembler.Entry) -> Found {
        let content = ForeignMessage.withCRLF(entry.content)
        let header = MessageHeader(content)
        if header.value("X-IMAP") != nil || header.value("X-IMAPbase") != nil,
            header.value("Subject")?.contains("FOLDER INTERNAL DATA") == true
        {
            return .unusable(
                name: "the first entry", reason: "a mail program's own notes, no message")
        }
        let digest = SHA256.digest(entry.separator + [0x0A] + content)
        occurrences[digest, default: 0] += 1
        let seconds = MboxAssembler.arrival(entry.separator) ?? 0
        // The order of the file is the order of the mailbox, whatever the dates say.
        last = max(last + 1, UInt64(max(0, seconds)) * 1_000_000)
        let isSeen = header.value("Status")?.contains("R") == true
        let flags =
            (isSeen ? "S" : "") + (header.value("X-Status")?.contains("A") == true ? "R" : "")
        return .message(
            ForeignMessage(
                key: "mbox:\(hexadecimal(digest)).\(occurrences[digest] ?? 1)", content: content,
                arrived: last,
                uniqueID: nil,
                flags: header.value("Status") == nil ? nil : String(flags.sorted())))
    }
}

/// The header fields of a message, for the few that an import looks at.
struct MessageHeader {
    private var fields: [(name: String, value: String)] = []

    /// Reads up to the first empty line.
    init(_ content: [UInt8]) {
        for line in content.split(separator: 0x0A, omittingEmptySubsequences: false) {
            let text = line.last == 0x0D ? line.dropLast() : line
            if text.isEmpty { return }
            let string = String(decoding: text, as: UTF8.self)
            if string.first == " " || string.first == "\t", !fields.isEmpty {
                fields[fields.count - 1].value += string
            } else if let colon = string.firstIndex(of: ":") {
                fields.append(
                    (
                        string[..<colon].lowercased(),
                        String(string[string.index(after: colon)...].drop { $0 == " " })
                    ))
            }
        }
    }

    /// The value of the first field of a name.
    func value(_ name: String) -> String? {
        let name = name.lowercased()
        return fields.first { $0.name == name }?.value
    }
}

/// Octets as two lower-case digits each.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
