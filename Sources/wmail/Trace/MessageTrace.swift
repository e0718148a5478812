// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// The life of one message, put together from the log, the queue and the mailboxes.
struct MessageTrace: Sendable {
    let id: QueueID
    var log: [LogLine] = []
    var entries: [QueuedEntry] = []
    /// Where it lies in mailboxes: `group/user` and the folder of the Maildir.
    var mailboxes: [(account: String, place: String)] = []

    /// Whether anything is known.
    var isEmpty: Bool { log.isEmpty && entries.isEmpty && mailboxes.isEmpty }

    /// In one line how it stands.
    var outcome: String {
        var parts: [String] = []
        if !mailboxes.isEmpty {
            parts.append("in the mailbox of " + mailboxes.map(\.account).joined(separator: ", "))
        } else {
            let delivered = log.filter {
                $0.event == "delivery.delivered" || $0.event == "delivery.copied"
            }
            if !delivered.isEmpty {
                let names = delivered.map { "\($0["group"] ?? "")/\($0["user"] ?? "")" }
                parts.append(
                    "was delivered to \(names.joined(separator: ", ")), and is not in the mailbox any more"
                )
            }
        }
        let sent = log.filter { $0.event == "relay.sent" }.compactMap { $0["to"] }
        if !sent.isEmpty {
            parts.append("taken by other servers for \(sent.joined(separator: ", "))")
        }
        let refused = log.filter { $0.event == "relay.refused" }.compactMap { $0["to"] }
        if !refused.isEmpty { parts.append("refused for \(refused.joined(separator: ", "))") }
        for entry in entries {
            let whom = entry.recipients.joined(separator: ", ")
            parts.append("\(entry.state) for \(whom.isEmpty ? "nobody" : whom)")
        }
        return parts.isEmpty
            ? "nothing is known but what the log says" : parts.joined(separator: "; ")
    }

    var json: JSON {
        [
            "id": .string(id.description),
            "arrived": .string(Timestamp.text(Int(id.microseconds / 1_000_000))),
            "outcome": .string(outcome),
            "log": .array(
                log.map { line in
                    .object(
                        [("at", .string(line.prefix)), ("event", .string(line.event))]
                            + line.fields.map { ($0.name, .string($0.value)) })
                }),
            "queue": .array(entries.map { QueueShow.json($0, now: WallClock.seconds) }),
            "mailboxes": .array(
                mailboxes.map { ["account": .string($0.account), "folder": .string($0.place)] }),
        ]
    }

    /// For people: what happened in order, then how it stands.
    func text(_ palette: Palette) -> String {
        var lines = [
            "\(palette.strong(id.description))  arrived \(Timestamp.text(Int(id.microseconds / 1_000_000)))"
        ]
        for line in log {
            let fields = line.fields.filter { $0.name != "id" && !$0.value.isEmpty }
                .map { "\($0.name)=\($0.value)" }.joined(separator: "  ")
            lines.append(
                "  \(palette.faint(Output.printable(line.prefix)))  \(line.event)  \(Output.printable(fields))"
            )
        }
        for entry in entries {
            if case .relay(_, let history) = entry.content {
                lines += history.flatMap(\.lines).map { "  \(Output.printable($0))" }
            }
            lines.append(
                "  lies in queue/\(entry.place.rawValue) as \(Output.printable(entry.name))")
        }
        for (account, place) in mailboxes {
            lines.append(
                "  lies in the mailbox of \(Output.printable(account)), \(place == "new" ? "unread" : "seen by a mail program")"
            )
        }
        lines.append("  \(palette.good("→")) \(Output.printable(outcome))")
        return lines.joined(separator: "\n") + "\n"
    }
}
