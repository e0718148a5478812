// SPDX-License-Identifier: Apache-2.0
import Mail

/// A message as a program on this host handed it over, made whole: recipients, the fields that are missing, bare
/// names completed with the mail name.
struct Submission: Equatable, Sendable {
    /// Who calls, and where.
    struct Caller: Equatable, Sendable {
        var user: String
        var number: UInt32
        /// The domain of bare names.
        var mailName: String
        var date: MailDate

        init(user: String, number: UInt32, mailName: String, date: MailDate) {
            self.user = user
            self.number = number
            self.mailName = mailName
            self.date = date
        }
    }

    /// Without angle brackets; empty for the null path.
    let sender: String
    let recipients: [String]
    /// With CRLF line ends.
    let message: [UInt8]

    /// Makes a submission of what came on standard input.
    ///
    /// - Throws: `Invocation.Mistake` when nobody is named, or a header field names nobody.
    init(
        _ input: [UInt8], _ invocation: Invocation, _ caller: Caller
    ) throws(Invocation.Mistake) {
        var lines = Self.lines(input, ignoresDots: invocation.ignoresDots)
        // mbox's mark, which some callers leave.
        if let first = lines.first, first.starts(with: Array("From ".utf8)) { lines.removeFirst() }
        let isField = { (line: ArraySlice<UInt8>) in
            Self.fieldName(line) != nil || line.first == 0x20 || line.first == 0x09
        }
        let count = lines.prefix { !$0.isEmpty && isField($0) }.count
        var fields = Self.fields(lines[..<count])
        var body = lines[count...]
        if body.first?.isEmpty == true { body = body.dropFirst() }

        let whole = { (name: String) in name.contains("@") ? name : "\(name)@\(caller.mailName)" }
        sender = invocation.sender.map { $0.isEmpty ? "" : whole($0) } ?? whole(caller.user)
        var names = invocation.recipients
        if invocation.readsRecipients {
            for field in fields where ["to", "cc", "bcc"].contains(field.name) {
                names += try Self.addresses(field.text, caller.mailName)
            }
        }
        var seen: Set<String> = []
        recipients = names.map(whole).filter { seen.insert($0).inserted }
        guard !recipients.isEmpty else {
            throw Invocation.Mistake(description: "no recipients: name them, or use -t")
        }
        fields.removeAll { $0.name == "bcc" }
        let has = { (name: String) in fields.contains { $0.name == name } }
        var head =
            "Received: by \(caller.mailName) (sendmail, user \(caller.user), id \(caller.number)); \(caller.date)\r\n"
        if !has("date") { head += "Date: \(caller.date)\r\n" }
        if !has("from") {
            let address = sender.isEmpty ? whole(caller.user) : sender
            head += "From: \(Self.phrase(invocation.fullName))<\(address)>\r\n"
        }
        var message = Array(head.utf8)
        for field in fields { message += field.bytes(completedWith: caller.mailName) }
        message += [0x0D, 0x0A]
        for line in body { message += line + [0x0D, 0x0A] }
        self.message = message
    }

    private static func phrase(_ name: String?) -> String {
        let plain = name.map { $0.filter { $0 != "\"" && $0 != "\\" && !$0.isNewline } } ?? ""
        return plain.isEmpty ? "" : "\"\(plain)\" "
    }

    /// Lines without their ends, up to a dot alone unless dots are ignored.
    private static func lines(_ input: [UInt8], ignoresDots: Bool) -> [ArraySlice<UInt8>] {
        var lines = input.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            line.last == 0x0D ? line.dropLast() : line
        }
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard !ignoresDots, let end = lines.firstIndex(where: { $0.elementsEqual([0x2E]) })
        else { return lines }
        return Array(lines[..<end])
    }
}
