// SPDX-License-Identifier: Apache-2.0
package import Mail

/// The contents of an `.env` file: JSON lines, the envelope first, then events; docs/queue.md §8 shows one.
package enum EnvelopeFile {
    /// The format that this program writes; it reads this and older ones.
    package static let version = 1

    /// The first line of an entry that has just arrived.
    package static func firstLine(_ entry: RelayEntry) -> [UInt8] {
        let relay = entry.envelope
        let envelope = relay.envelope
        var members: [(String, JSON)] = [
            ("version", .integer(version)), ("id", .string(entry.id.description)),
            ("arrived", .string(Timestamp.text(entry.arrived))),
        ]
        if let claim = entry.claim {
            members.append(("size", .integer(claim.size)))
            members.append(("checksum", .string(String(claim.checksum, radix: 16))))
        }
        members.append(("client", .string(relay.client)))
        members.append(("group", .string(relay.group)))
        if let login = relay.login { members.append(("login", .string(login.description))) }
        if !relay.reportsTo.isEmpty {
            members.append(("reportsTo", .strings(relay.reportsTo.map(\.description))))
        }
        members.append(("ways", .strings(words(relay.ways))))
        members.append(("sender", .string(envelope.sender.address?.description ?? "")))
        members.append(("body", .string(envelope.body.rawValue)))
        if envelope.isInternational { members.append(("smtputf8", true)) }
        if let content = envelope.returnContent {
            members.append(("ret", .string(content.rawValue)))
        }
        if let identifier = envelope.identifier {
            members.append(("envid", .string(identifier.text)))
        }
        members.append(
            ("recipients", .array(envelope.recipients.map { json($0, relay.delivered) })))
        return JSON.object(members).compactBytes + [0x0A]
    }

    /// The line of an event.
    package static func line(_ event: RelayEvent) -> [UInt8] {
        let json: JSON
        switch event {
        case .attempted(let time, let records):
            json = [
                "event": "attempted", "time": .string(Timestamp.text(time)),
                "outcomes": .array(records.map { outcome($0, $1) }),
            ]
        case .expired(let time, let addresses):
            json = [
                "event": "expired", "time": .string(Timestamp.text(time)), "to": list(addresses),
            ]
        case .reported(let time, let addresses):
            json = [
                "event": "reported", "time": .string(Timestamp.text(time)), "to": list(addresses),
            ]
        case .warned(let time):
            json = ["event": "warned", "time": .string(Timestamp.text(time))]
        case .postponed(let until):
            json = ["next": .string(Timestamp.text(until))]
        }
        return json.compactBytes + [0x0A]
    }

    /// What the whole file adds up to.
    ///
    /// - Parameters:
    ///   - bytes: The file; a torn last line is no line.
    ///   - id: From its name.
    /// - Returns: The entry, and how many lines behind the first could not be read.
    /// - Throws: `EnvelopeError` when the first line is no envelope.
    package static func parse(
        _ bytes: [UInt8], id: QueueID
    ) throws(EnvelopeError) -> (entry: RelayEntry, unreadable: Int) {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
        guard let first = lines.first else { throw .notAnEnvelope("it is empty") }
        var entry = try envelope(json(of: first), id: id)
        var unreadable = 0
        for (index, line) in lines.enumerated().dropFirst() {
            do throws(EnvelopeError) {
                entry.apply(try event(json(of: line)))
            } catch {
                let isTorn = index == lines.count - 1 && bytes.last != 0x0A
                if !isTorn { unreadable += 1 }
            }
        }
        return (entry, unreadable)
    }

    /// The events in the order in which they happened; lines that cannot be read are passed over.
    package static func history(_ bytes: [UInt8]) -> [RelayEvent] {
        bytes.split(separator: 0x0A).dropFirst().compactMap { line in
            do throws(EnvelopeError) {
                return try event(json(of: line))
            } catch {
                return nil
            }
        }
    }

    /// When the next attempt is due, from the file's end alone.
    ///
    /// - Parameter tail: The last octets of the file.
    /// - Returns: Seconds since 1970; 0 for an entry without attempts; nil when the end does not say it.
    package static func next(inTail tail: [UInt8]) -> Int? {
        guard tail.last == 0x0A else { return nil }
        let lines = tail.dropLast()
        let line = lines[(lines.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)...]
        if line.starts(with: "{\"next\":\"".utf8) {
            return Timestamp.seconds(line.dropFirst(9).prefix(20))
        }
        return line.starts(with: "{\"version\"".utf8) ? 0 : nil
    }

    private static func json(of line: ArraySlice<UInt8>) throws(EnvelopeError) -> JSON {
        do throws(JSONError) {
            return try JSON(parsing: Array(line))
        } catch {
            throw .notAnEnvelope("\(error)")
        }
    }

    private static func words(_ ways: RelayEnvelope.Ways) -> [String] {
        (ways.contains(.smarthost) ? ["relay"] : []) + (ways.contains(.direct) ? ["direct"] : [])
    }

    private static func list(_ addresses: [MailAddress]) -> JSON {
        .strings(addresses.map(\.description))
    }

    private static func json(_ recipient: Recipient, _ delivered: Set<MailAddress>) -> JSON {
        var members: [(String, JSON)] = [("address", .string(recipient.address.description))]
        if let notify = recipient.notify { members.append(("notify", .string(notify.text))) }
        if let original = recipient.original {
            members.append(("orcpt", .string(original.parameter)))
        }
        if delivered.contains(recipient.address) { members.append(("delivered", true)) }
        return .object(members)
    }

    private static func outcome(_ address: MailAddress, _ record: DeliveryRecord) -> JSON {
        let outcome = record.outcome
        var members: [(String, JSON)] = [
            ("to", .string(address.description)), ("result", .string(outcome.result.rawValue)),
            ("status", .string(outcome.status.description)),
            ("stage", .string(outcome.stage.rawValue)), ("text", .string(outcome.text)),
        ]
        if outcome.isRemote { members.append(("remote", true)) }
        if outcome.mayBeDuplicate { members.append(("maybeDuplicate", true)) }
        if !record.host.isEmpty { members.append(("host", .string(record.host))) }
        if !record.tls.isEmpty { members.append(("tls", .string(record.tls))) }
        if record.takesOverReports { members.append(("dsn", true)) }
        if !record.cause.isEmpty { members.append(("cause", .string(record.cause))) }
        return .object(members)
    }
}

/// Why an `.env` file cannot be used.
package enum EnvelopeError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAnEnvelope(String)

    package var description: String {
        switch self {
        case .notAnEnvelope(let reason): reason
        }
    }
}
