// SPDX-License-Identifier: Apache-2.0
import Mail

/// Reading lines: strict where a mistake could send mail astray, lenient where it could not.
extension EnvelopeFile {
    static func envelope(_ json: JSON, id: QueueID) throws(EnvelopeError) -> RelayEntry {
        guard let version = json["version"]?.integer, (1...Self.version).contains(version) else {
            throw .notAnEnvelope("its first line has no version from 1 to \(Self.version)")
        }
        var envelope = Envelope(sender: try sender(json))
        if let body = json["body"]?.string {
            guard let body = Envelope.BodyType(rawValue: body) else { throw .bad("body") }
            envelope.body = body
        }
        envelope.isInternational = json["smtputf8"]?.boolean ?? false
        envelope.returnContent = json["ret"]?.string.flatMap {
            Envelope.ReturnContent(rawValue: $0)
        }
        envelope.identifier = json["envid"]?.string.flatMap { XText($0) }
        var delivered: Set<MailAddress> = []
        for element in json["recipients"]?.elements ?? [] {
            let recipient = try recipient(element)
            envelope.recipients.append(recipient)
            if element["delivered"]?.boolean == true { delivered.insert(recipient.address) }
        }
        guard !envelope.recipients.isEmpty else { throw .bad("recipients") }
        let relay = RelayEnvelope(
            envelope, ways: try ways(json), group: json["group"]?.string ?? "",
            login: json["login"]?.string.flatMap { account($0) },
            reportsTo: json["reportsTo"]?.elements?.compactMap { $0.string.flatMap(account) } ?? [],
            client: json["client"]?.string ?? "", delivered: delivered)
        return RelayEntry(id: id, envelope: relay, claim: try claim(json))
    }

    static func event(_ json: JSON) throws(EnvelopeError) -> RelayEvent {
        if let next = json["next"]?.string {
            guard let time = Timestamp.seconds(next.utf8) else { throw .bad("next") }
            return .postponed(until: time)
        }
        let time = json["time"]?.string.flatMap { Timestamp.seconds($0.utf8) } ?? 0
        switch json["event"]?.string {
        case "attempted":
            var records: [(MailAddress, DeliveryRecord)] = []
            for element in json["outcomes"]?.elements ?? [] { records.append(try record(element)) }
            return .attempted(time: time, records)
        case "expired": return .expired(time: time, try addresses(json))
        case "reported": return .reported(time: time, try addresses(json))
        case "warned": return .warned(time: time)
        default: throw .bad("event")
        }
    }

    private static func sender(_ json: JSON) throws(EnvelopeError) -> ReversePath {
        guard let text = json["sender"]?.string else { throw .bad("sender") }
        if text.isEmpty { return .null }
        guard let address = MailAddress(text) else { throw .bad("sender") }
        return .address(address)
    }

    private static func ways(_ json: JSON) throws(EnvelopeError) -> RelayEnvelope.Ways {
        var ways: RelayEnvelope.Ways = []
        for element in json["ways"]?.elements ?? [] {
            switch element.string {
            case "relay": ways.insert(.smarthost)
            case "direct": ways.insert(.direct)
            default: throw .bad("ways")
            }
        }
        return ways
    }

    private static func claim(_ json: JSON) throws(EnvelopeError) -> RelayEntry.Claim? {
        guard let size = json["size"] else { return nil }
        guard let size = size.integer,
            let checksum = json["checksum"]?.string.flatMap({ UInt32($0, radix: 16) })
        else { throw .bad("size or checksum") }
        return RelayEntry.Claim(size: size, checksum: checksum)
    }

    private static func recipient(_ json: JSON) throws(EnvelopeError) -> Recipient {
        guard let text = json["address"]?.string, let address = MailAddress(text) else {
            throw .bad("recipients")
        }
        var recipient = Recipient(address)
        if let words = json["notify"]?.string {
            var notify: Recipient.Notify = []
            for word in words.uppercased().split(separator: ",") {
                switch word {
                case "SUCCESS": notify.insert(.success)
                case "FAILURE": notify.insert(.failure)
                case "DELAY": notify.insert(.delay)
                case "NEVER": notify = []
                default: throw .bad("notify")
                }
            }
            recipient.notify = notify
        }
        if let original = json["orcpt"]?.string {
            recipient.original = OriginalRecipient(parameter: Array(original.utf8)[...])
        }
        return recipient
    }

    private static func record(
        _ json: JSON
    ) throws(EnvelopeError) -> (MailAddress, DeliveryRecord) {
        guard let address = json["to"]?.string.flatMap({ MailAddress($0) }),
            let result = json["result"]?.string.flatMap({ Outcome.Result(rawValue: $0) }),
            let status = json["status"]?.string.flatMap({ EnhancedStatus($0) })
        else { throw .bad("outcomes") }
        let stage = json["stage"]?.string.flatMap { Outcome.Stage(rawValue: $0) } ?? .connection
        let outcome = Outcome(
            result, status, at: stage, json["text"]?.string ?? "",
            isRemote: json["remote"]?.boolean ?? false,
            mayBeDuplicate: json["maybeDuplicate"]?.boolean ?? false)
        let record = DeliveryRecord(
            outcome, host: json["host"]?.string ?? "", tls: json["tls"]?.string ?? "",
            takesOverReports: json["dsn"]?.boolean ?? false, cause: json["cause"]?.string ?? "")
        return (address, record)
    }

    private static func addresses(_ json: JSON) throws(EnvelopeError) -> [MailAddress] {
        var addresses: [MailAddress] = []
        for element in json["to"]?.elements ?? [] {
            guard let address = element.string.flatMap({ MailAddress($0) }) else {
                throw .bad("to")
            }
            addresses.append(address)
        }
        return addresses
    }

    private static func account(_ text: String) -> AccountName? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return AccountName(group: String(parts[0]), user: String(parts[1]))
    }
}

extension EnvelopeError {
    fileprivate static func bad(_ key: String) -> Self {
        .notAnEnvelope("\"\(key)\" is missing or not what docs/queue.md §8 says")
    }
}
