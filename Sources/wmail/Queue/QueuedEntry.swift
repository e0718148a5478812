// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// A folder of the queue in which entries lie.
enum QueuePlace: String, CaseIterable, Sendable {
    /// For accounts of this server.
    case local
    /// For other servers.
    case relay
    /// Held back by the operator.
    case hold
    /// Not understood, and moved aside.
    case corrupt
}

/// One entry of the queue as its files tell of it: `docs/queue.md` has the states.
struct QueuedEntry: Sendable {
    /// What the entry is, as far as it can be read.
    enum Content: Sendable {
        /// For one account of this server; the sender stands in the message's Return-Path.
        case local(EntryName, sender: String)
        /// For other servers, with everything that has happened to it if that was asked for.
        case relay(RelayEntry, history: [RelayEvent])
        /// Something else, and why it could not be read.
        case unreadable(reason: String)
    }

    let place: QueuePlace
    /// The file's name; of the two files of an entry for other servers, the `.env`.
    let name: String
    /// Nil when the name has none.
    let id: QueueID?
    /// Octets of the message.
    let size: Int
    /// Whether a process of the server holds it just now.
    let isBusy: Bool
    let content: Content

    /// In one word what becomes of it.
    var state: String {
        switch place {
        case .hold: return "held"
        case .corrupt: return "corrupt"
        case .local, .relay: break
        }
        if isBusy { return "active" }
        guard case .relay(let entry, _) = content else { return "waiting" }
        return entry.attempts > 0 ? "deferred" : "waiting"
    }

    /// The envelope's sender as text; empty for the null sender.
    var sender: String {
        switch content {
        case .local(_, let sender): sender
        case .relay(let entry, _): entry.envelope.envelope.sender.address?.description ?? ""
        case .unreadable: ""
        }
    }

    /// Whom it still has to reach: an account as `group/user`, or addresses elsewhere.
    var recipients: [String] {
        switch content {
        case .local(let entry, _): [entry.account.description]
        case .relay(let entry, _): entry.pending.map(\.address.description)
        case .unreadable: []
        }
    }

    /// Where it still has to go: `local`, or domains elsewhere.
    var destinations: [String] {
        switch content {
        case .local: return ["local"]
        case .relay(let entry, _):
            var seen: Set<String> = []
            return entry.pending.map(\.address.domainText).filter { seen.insert($0).inserted }
        case .unreadable: return []
        }
    }

    /// What the last attempt met, the first recipient that waits speaking for all.
    var reason: String {
        switch content {
        case .local: return ""
        case .unreadable(let reason): return reason
        case .relay(let entry, _):
            guard
                let progress = entry.recipients.first(where: { $0.isPending && $0.record != nil }),
                let record = progress.record
            else { return "" }
            return record.host.isEmpty
                ? record.outcome.text : "\(record.host): \(record.outcome.text)"
        }
    }

    /// When it came, in seconds since 1970; nil when the name does not tell.
    var arrived: Int? { id.map { Int($0.microseconds / 1_000_000) } }

    /// What `queue list --json` tells.
    func json(now: Int) -> JSON {
        var members: [(String, JSON)] = [
            ("id", id.map { .string($0.description) } ?? .null), ("name", .string(name)),
            ("place", .string(place.rawValue)), ("state", .string(state)),
            ("size", .integer(size)),
        ]
        if let arrived {
            members.append(("arrived", .string(Timestamp.text(arrived))))
            members.append(("age", .integer(max(0, now - arrived))))
        }
        members.append(("sender", .string(sender)))
        members.append(("recipients", .strings(recipients)))
        if case .relay(let entry, _) = content {
            members.append(("attempts", .integer(entry.attempts)))
            members.append(
                ("next", entry.next > 0 ? .string(Timestamp.text(entry.next)) : .null))
        }
        if !reason.isEmpty { members.append(("reason", .string(reason))) }
        return .object(members)
    }
}

extension MailAddress {
    /// The domain as it is written behind the last `@`.
    var domainText: String {
        let text = description
        guard let at = text.lastIndex(of: "@") else { return "" }
        return String(text[text.index(after: at)...])
    }
}
