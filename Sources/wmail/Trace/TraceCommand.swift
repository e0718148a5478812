// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc
import Mail

/// `wmail trace`.
struct TraceCommand: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Shows what has become of a message, or of an address's messages.",
        discussion: """
            Puts together the log, the queue and the mailboxes: received, stored, each attempt with the other server's words \
            and TLS, the outcome. The log is that of the service wmailserver in the journal, or the file of --log; of an \
            instance in a folder without --log, queue and mailboxes alone. Ends with 2 when nothing is known.
            """)

    @OptionGroup var common: CommonOptions
    @Option(
        help: ArgumentHelp("A log file, or - for the standard input.", valueName: "file"),
        completion: .file())
    var log: String?
    @Option(
        help: ArgumentHelp(
            "Of an address, at most so many messages, the latest.", valueName: "number"))
    var limit = 20
    @Argument(help: "A queue id, or an address of sender or recipient.") var subject: String

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        var lines: [LogLine] = []
        let isID = QueueID(subject) != nil
        try LogSource(log, isInstalled: places == .installed, about: subject).forEachLine { line in
            // A journal may have millions of lines: only those about messages are kept, of one id only its own.
            guard line.contains(isID ? subject[...] : "id=") || !isID && line.contains("entry="),
                let line = LogLine(line)
            else { return }
            lines.append(line)
        }
        let entries = try QueueView(places).entries(QueueFilter(), withHistory: true)
        let account = isID ? nil : Self.account(of: subject, in: places)
        var all = Set(Self.ids(of: subject, account, lines, entries))
        if let account { all.formUnion(try Self.delivered(to: account, in: places)) }
        let ids = all.sorted().suffix(max(1, limit))
        var traces = ids.map { MessageTrace(id: $0) }
        for index in traces.indices {
            let text = traces[index].id.description
            traces[index].log = lines.filter {
                $0["id"] == text || $0["entry"]?.hasPrefix(text) == true || $0["report"] == text
            }
            traces[index].entries = entries.filter { $0.id == traces[index].id }
        }
        try Self.findMailboxes(of: &traces, in: places)
        traces.removeAll(where: \.isEmpty)
        guard !traces.isEmpty else {
            throw Failure(
                "nothing is known of \(subject)",
                cure: log == nil && places != .installed
                    ? "with --log FILE the log is searched, too"
                    : "logs that were rotated away can be given with --log FILE",
                status: .no)
        }
        let found = traces
        return Answer(json: .array(found.map(\.json))) { palette in
            found.map { $0.text(palette) }.joined(separator: "\n")
        }
    }

    /// The user of this server whom an address or a name means; nil when it is somebody else's.
    private static func account(of subject: String, in places: Places) -> AccountName? {
        do throws(Failure) {
            return try Instance(places).account(named: subject)
        } catch {
            // A sender or recipient elsewhere, or accounts that cannot be read: log and queue know more.
            return nil
        }
    }

    /// What lies in a mailbox and came by the queue.
    private static func delivered(to account: AccountName, in places: Places) throws(Failure)
        -> [QueueID]
    {
        guard let maildir = Maildir(account) else { return [] }
        var found: [QueueID] = []
        do throws(SystemError) {
            let accounts = try Folder(places.userManager)
            for place in ["new", "cur"] {
                found += try names("\(maildir.path)/\(place)", in: accounts).compactMap {
                    MaildirName($0).queueID
                }
            }
        } catch {
            guard error.isMissing else { throw Failure(error) }
        }
        return found
    }

    /// The messages that are meant by an id, an address, or the account that the address is of.
    static func ids(
        of subject: String, _ account: AccountName? = nil, _ lines: [LogLine],
        _ entries: [QueuedEntry]
    ) -> [QueueID] {
        if let id = QueueID(subject) { return [id] }
        let wanted = subject.lowercased()
        var found: Set<QueueID> = []
        for line in lines {
            guard let id = line["id"].flatMap({ QueueID($0) }) else { continue }
            let names = ["from", "to", "login", "user"].compactMap { line[$0]?.lowercased() }
            let isMeant = names.contains { name in
                name == wanted || name == "<\(wanted)>"
                    || !wanted.contains("@")
                        && name.split(separator: "/").last.map(String.init) == wanted
            }
            let isDelivery =
                account.map { line["group"] == $0.group && line["user"] == $0.user } ?? false
            if isMeant || isDelivery { found.insert(id) }
        }
        for entry in entries {
            guard let id = entry.id else { continue }
            let all = [entry.sender] + entry.recipients + entry.allRecipients
            if all.contains(where: { $0.lowercased() == wanted || $0 == account?.description }) {
                found.insert(id)
            }
        }
        return found.sorted()
    }

    /// Looks for the messages in all mailboxes, by their names alone.
    private static func findMailboxes(of traces: inout [MessageTrace], in places: Places)
        throws(Failure)
    {
        let indexes = Dictionary(
            traces.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        guard !indexes.isEmpty else { return }
        var found: [(Int, String, String)] = []
        do throws(SystemError) {
            let accounts = try Folder(places.userManager, listable: true)
            for group in try accounts.names().sorted() {
                for user in try names("\(group)/users", in: accounts).sorted() {
                    for place in ["new", "cur"] {
                        for name in try names(
                            "\(group)/users/\(user)/Maildir/\(place)", in: accounts)
                        {
                            guard let id = MaildirName(name).queueID, let index = indexes[id] else {
                                continue
                            }
                            found.append((index, "\(group)/\(user)", place))
                        }
                    }
                }
            }
        } catch {
            guard error.code == ENOENT else { throw Failure(error) }
        }
        for (index, account, place) in found { traces[index].mailboxes.append((account, place)) }
    }

    /// The names in a folder; none when it is not there.
    private static func names(_ path: String, in folder: borrowing Folder) throws(SystemError)
        -> [String]
    {
        do throws(SystemError) {
            return try Folder(path, in: folder, listable: true).names()
        } catch  where error.code == ENOENT || error.code == ENOTDIR {
            return []
        }
    }
}

extension QueuedEntry {
    /// Also those who have it already.
    var allRecipients: [String] {
        guard case .relay(let entry, _) = content else { return [] }
        return entry.recipients.map(\.recipient.address.description)
    }
}
