// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc
import Mail

/// `wmail queue`: what waits, and what the operator does with it.
struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Shows and changes what is not delivered yet.",
        discussion: """
            An entry is named by its id, which is also in the log, in the 250 reply and in the Received field. Without \
            ids the filters choose; several filters must all match. Everything works on the files of queue/ alone and \
            may be used while the server runs. Ends with 2 when no entry matches.
            """,
        subcommands: [
            QueueList.self, QueueShow.self, QueueCat.self, QueueRetry.self, QueueHold.self,
            QueueRelease.self, QueueRemove.self, QueueFlush.self,
        ],
        defaultSubcommand: QueueList.self)
}

/// The filters of every `wmail queue` command.
struct QueueOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Only from this sender; * and ? match.", valueName: "address"))
    var sender: String?

    @Option(
        help: ArgumentHelp(
            "Only what this recipient still waits for: an address, user or group/user.",
            valueName: "address"))
    var recipient: String?

    @Option(
        help: ArgumentHelp(
            "Only what still has to go to this domain; local for this server's accounts.",
            valueName: "domain"))
    var destination: String?

    @Option(help: ArgumentHelp("Only what is older, such as 90s, 15m, 4h, 3d.", valueName: "age"))
    var olderThan: String?

    @Option(help: ArgumentHelp("Only what is younger.", valueName: "age"))
    var youngerThan: String?

    @Option(
        name: .customLong("in"),
        help: ArgumentHelp(
            "Only what lies in this folder: local, relay, hold, corrupt.", valueName: "folder"),
        completion: .list(QueuePlace.allCases.map(\.rawValue)))
    var place: String?

    func validate() throws {
        for text in [olderThan, youngerThan].compactMap(\.self) where TimeSpan(text) == nil {
            throw ValidationError("'\(text)' is no length of time; write 90s, 15m, 4h or 3d.")
        }
        if let place, QueuePlace(rawValue: place) == nil {
            throw ValidationError("'\(place)' is none of local, relay, hold, corrupt.")
        }
    }

    /// The filter, for entries in places where a command has something to do.
    func filter(ids: [String] = [], in places: Set<QueuePlace> = Set(QueuePlace.allCases))
        -> QueueFilter
    {
        QueueFilter(
            ids: ids, sender: sender.map { Wildcard($0) },
            recipient: recipient.map { Wildcard($0) },
            destination: destination.map { Wildcard($0) },
            olderThan: olderThan.flatMap { TimeSpan($0)?.seconds },
            youngerThan: youngerThan.flatMap { TimeSpan($0)?.seconds },
            places: place.flatMap { QueuePlace(rawValue: $0) }.map { places.intersection([$0]) }
                ?? places)
    }
}

extension Failure {
    /// The queue has nothing of that kind.
    static func noEntry(_ ids: [String]) -> Failure {
        Failure(
            ids.isEmpty ? "no entry matches" : "no entry is called \(ids.joined(separator: ", "))",
            cure: "it may have been delivered meanwhile; wmail queue list shows what is there, "
                + "wmail trace what has become of it",
            status: .no)
    }
}

/// `wmail queue list`.
struct QueueList: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists entries, the oldest first.")

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: QueueOptions

    func answer() throws(Failure) -> Answer {
        let now = WallClock.seconds
        let entries = try QueueView(try common.places).entries(options.filter(), now: now)
        return Answer(json: .array(entries.map { $0.json(now: now) })) { palette in
            Self.text(entries, now: now, palette)
        }
    }

    /// A table, and a line that adds it up.
    static func text(_ entries: [QueuedEntry], now: Int, _ palette: Palette) -> String {
        guard !entries.isEmpty else { return "The queue is empty.\n" }
        var table = Table(["ID", "STATE", "AGE", "SIZE", "FROM", "TO", "TRIES", "NEXT", "REASON"])
        for entry in entries {
            var (tries, next) = ("", "")
            if case .relay(let relay, _) = entry.content {
                tries = "\(relay.attempts)"
                next = relay.next > now ? "in \(TimeSpan.text(relay.next - now))" : "now"
                if entry.state == "held" { next = "" }
            }
            let others = entry.recipients.count - 1
            table.add([
                entry.id?.description ?? entry.name, entry.state,
                entry.arrived.map { TimeSpan.text(now - $0) } ?? "", sizeText(entry.size),
                entry.sender.isEmpty ? "<>" : entry.sender,
                (entry.recipients.first ?? "") + (others > 0 ? " and \(others) more" : ""), tries,
                next, entry.reason,
            ])
        }
        let octets = entries.reduce(0) { $0 + $1.size }
        let noun = entries.count == 1 ? "entry" : "entries"
        return table.text(palette)
            + palette.faint("\(entries.count) \(noun), \(sizeText(octets)) octets") + "\n"
    }
}

/// `wmail queue cat`.
struct QueueCat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat", abstract: "Writes a message to the standard output, octet for octet.")

    @OptionGroup var common: CommonOptions

    @Argument(help: "The entry's id.")
    var id: String

    func run() throws {
        do throws(Failure) {
            let places = try common.places
            let entries = try QueueView(places).entries(QueueFilter(ids: [id]))
            guard let entry = entries.first else { throw .noEntry([id]) }
            var name = entry.name
            if let id = entry.id, name == QueueLayout.envelopeName(id) {
                name = QueueLayout.messageName(id)
            }
            try translating { () throws(SystemError) in
                let file = try File(name, in: try Folder("\(places.queue)/\(entry.place.rawValue)"))
                try Self.copy(file)
            }
        } catch {
            Output.finish(error, asJSON: common.json)
        }
    }

    private static func copy(_ file: borrowing File) throws(SystemError) {
        let output = File(
            FileDescriptor(owning: try check("dup") { dup(STDOUT_FILENO) }), path: "the output")
        var offset = 0
        while true {
            let part = try file.read(atMost: 128 << 10, at: offset)
            if part.isEmpty { return }
            try output.write(part)
            offset += part.count
        }
    }
}
