// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Mail

/// `wmail queue show`.
struct QueueShow: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows entries with envelope, recipients and all attempts.")

    @OptionGroup var common: CommonOptions

    @Argument(help: "The entries' ids.")
    var ids: [String]

    func answer() throws(Failure) -> Answer {
        let now = WallClock.seconds
        let entries = try QueueView(try common.places).entries(
            QueueFilter(ids: ids), withHistory: true, now: now)
        guard !entries.isEmpty else { throw .noEntry(ids) }
        return Answer(json: .array(entries.map { Self.json($0, now: now) })) { palette in
            entries.map { Self.text($0, now: now, palette) }.joined(separator: "\n")
        }
    }

    /// What the list tells, the envelope, and each event.
    static func json(_ entry: QueuedEntry, now: Int) -> JSON {
        var members = (entry.json(now: now).members ?? []).map { ($0.key, $0.value) }
        guard case .relay(let relay, let history) = entry.content else { return .object(members) }
        let envelope = relay.envelope
        members.append(("client", .string(envelope.client)))
        members.append(("group", .string(envelope.group)))
        members.append(("login", envelope.login.map { .string($0.description) } ?? .null))
        members.append(("progress", .array(relay.recipients.map(json))))
        members.append(("history", .array(history.compactMap { event in JSON(of: event) })))
        return .object(members)
    }

    private static func json(_ progress: RelayEntry.Progress) -> JSON {
        var members: [(String, JSON)] = [
            ("address", .string(progress.recipient.address.description)),
            ("pending", .boolean(progress.isPending)), ("expired", .boolean(progress.isExpired)),
            ("reported", .boolean(progress.isReported)),
        ]
        if let record = progress.record { members += JSON.members(of: record) }
        return .object(members)
    }

    /// A paragraph of facts, then recipients, then what happened.
    static func text(_ entry: QueuedEntry, now: Int, _ palette: Palette) -> String {
        var lines: [String] = [
            palette.strong(entry.id?.description ?? Output.printable(entry.name))
        ]
        func fact(_ name: String, _ value: String) {
            if !value.isEmpty {
                lines.append("  \(name.padded(to: 10)) \(Output.printable(value))")
            }
        }
        fact("state", entry.state)
        fact("file", "queue/\(entry.place.rawValue)/\(entry.name)")
        fact("size", "\(entry.size) octets")
        if let arrived = entry.arrived {
            fact("arrived", "\(Timestamp.text(arrived)), \(TimeSpan.text(now - arrived)) ago")
        }
        fact("sender", entry.sender.isEmpty ? "<>" : entry.sender)
        switch entry.content {
        case .unreadable(let reason): fact("trouble", reason)
        case .local(let name, _): fact("recipient", name.account.description)
        case .relay(let relay, let history):
            fact("client", relay.envelope.client)
            fact("login", relay.envelope.login?.description ?? "")
            if relay.next > 0 { fact("next", Timestamp.text(relay.next)) }
            for progress in relay.recipients {
                lines.append("  \(Output.printable(recipient(progress, palette)))")
            }
            for event in history {
                lines += event.lines.map { "  \(Output.printable($0))" }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func recipient(_ progress: RelayEntry.Progress, _ palette: Palette) -> String {
        let address = progress.recipient.address.description
        if progress.isExpired { return "to         \(address): given up, its time has run out" }
        guard let record = progress.record else { return "to         \(address): not tried yet" }
        switch record.outcome.result {
        case .accepted: return "to         \(address): accepted"
        case .temporary: return "to         \(address): waiting"
        case .permanent: return "to         \(address): refused"
        }
    }
}

extension RelayEvent {
    /// When it happened, in seconds since 1970; nil for the plan of the next attempt.
    var time: Int? {
        switch self {
        case .attempted(let time, _), .expired(let time, _), .reported(let time, _),
            .warned(let time):
            time
        case .postponed: nil
        }
    }

    /// For people: a line with the time for each recipient, with the remote server's words.
    var lines: [String] {
        switch self {
        case .attempted(let time, let records):
            return records.map { address, record in
                "\(Timestamp.text(time)) tried \(address): \(record.words)"
            }
        case .expired(let time, let addresses):
            return ["\(Timestamp.text(time)) gave up: \(Self.list(addresses))"]
        case .reported(let time, let addresses):
            return ["\(Timestamp.text(time)) told the sender about \(Self.list(addresses))"]
        case .warned(let time): return ["\(Timestamp.text(time)) told the sender of the delay"]
        case .postponed: return []
        }
    }

    private static func list(_ addresses: [MailAddress]) -> String {
        addresses.map(\.description).joined(separator: ", ")
    }
}

extension DeliveryRecord {
    /// The outcome in one line: result, host, the words, what protected them, and what helps.
    var words: String {
        var parts = ["\(outcome.result.rawValue) \(outcome.status)"]
        if !host.isEmpty { parts.append("by \(host)") }
        parts.append("at \(outcome.stage.rawValue)")
        var text = parts.joined(separator: " ") + ": \(outcome.text)"
        text += tls.isEmpty ? " [no TLS]" : " [\(tls)]"
        if !cause.isEmpty { text += " (\(cause))" }
        return text
    }
}

extension JSON {
    /// What an attempt met.
    static func members(of record: DeliveryRecord) -> [(String, JSON)] {
        var members: [(String, JSON)] = [
            ("result", .string(record.outcome.result.rawValue)),
            ("status", .string(record.outcome.status.description)),
            ("stage", .string(record.outcome.stage.rawValue)),
            ("text", .string(record.outcome.text)), ("remote", .boolean(record.outcome.isRemote)),
            ("host", .string(record.host)), ("tls", .string(record.tls)),
        ]
        if !record.cause.isEmpty { members.append(("cause", .string(record.cause))) }
        return members
    }

    /// An event; nil for the plan of the next attempt.
    init?(of event: RelayEvent) {
        guard let time = event.time else { return nil }
        func make(_ word: String, _ more: [(String, JSON)]) -> JSON {
            .object([("event", .string(word)), ("time", .string(Timestamp.text(time)))] + more)
        }
        func list(_ addresses: [MailAddress]) -> JSON { .strings(addresses.map(\.description)) }
        switch event {
        case .attempted(_, let records):
            let outcomes = records.map { address, record in
                JSON.object([("to", .string(address.description))] + JSON.members(of: record))
            }
            self = make("attempted", [("outcomes", .array(outcomes))])
        case .expired(_, let addresses): self = make("expired", [("to", list(addresses))])
        case .reported(_, let addresses): self = make("reported", [("to", list(addresses))])
        case .warned: self = make("warned", [])
        case .postponed: return nil
        }
    }
}
