// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@testable import Common

struct EnvelopeFileTests {
    static let id = QueueID(microseconds: 1_700_000_000_000_000, random: 7)

    static func address(_ text: String) throws -> MailAddress {
        try #require(MailAddress(text))
    }

    static func entry() throws -> RelayEntry {
        var envelope = Envelope(sender: .address(try address("a@x.test")))
        envelope.body = .eightBit
        envelope.isInternational = true
        envelope.returnContent = .headers
        envelope.identifier = XText("e=1")
        envelope.recipients = [
            Recipient(
                try address("b@y.test"), notify: [.success, .failure],
                original: OriginalRecipient(parameter: Array("rfc822;q+2Bz@y.test".utf8)[...])),
            Recipient(try address("\"c d\"@z.test"), notify: .never),
            Recipient(try address("local@x.test"), notify: .success),
        ]
        let relay = RelayEnvelope(
            envelope, ways: [.smarthost, .direct], group: "g",
            login: AccountName(group: "g", user: "a"),
            reportsTo: [AccountName(group: "g", user: "a")], client: "192.0.2.1",
            delivered: [try address("local@x.test")])
        return RelayEntry(
            id: id, envelope: relay, claim: RelayEntry.Claim(size: 9, checksum: 0xAB))
    }

    static func record(_ result: Outcome.Result) -> DeliveryRecord {
        DeliveryRecord(
            Outcome(
                result, EnhancedStatus(.temporary, 4, 2), at: .endOfData, "450 \"later\"",
                isRemote: true, mayBeDuplicate: true),
            host: "mx.y.test [192.0.2.2]:25", tls: "TLSv1.3", takesOverReports: true,
            cause: "because")
    }

    @Test func readsWhatItWrites() throws {
        let entry = try Self.entry()
        let line = EnvelopeFile.firstLine(entry)
        #expect(try EnvelopeFile.parse(line, id: Self.id).entry == entry)
        #expect(entry.pending.count == 2)
    }

    @Test func addsEventsUp() throws {
        let b = try Self.address("b@y.test")
        let c = try Self.address("\"c d\"@z.test")
        let events: [RelayEvent] = [
            .attempted(time: 10, [(b, Self.record(.accepted)), (c, Self.record(.temporary))]),
            .postponed(until: 20), .warned(time: 21),
            .attempted(time: 22, [(b, Self.record(.permanent)), (c, Self.record(.temporary))]),
            .reported(time: 23, [b]), .expired(time: 30, [c]), .postponed(until: 40),
        ]
        var bytes = EnvelopeFile.firstLine(try Self.entry())
        for event in events { bytes += EnvelopeFile.line(event) }
        let (entry, unreadable) = try EnvelopeFile.parse(bytes, id: Self.id)
        #expect(unreadable == 0 && entry.attempts == 2 && entry.isWarned && entry.next == 40)
        // What was delivered stays delivered, whatever a later line says.
        #expect(entry.recipients[0].record == Self.record(.accepted))
        #expect(entry.recipients[0].isReported && entry.recipients[1].isExpired)
        #expect(entry.pending.isEmpty)
        #expect(EnvelopeFile.next(inTail: bytes.suffix(200)) == 40)
    }

    /// The names of all members, those of objects inside too.
    private static func names(in json: JSON) -> Set<String> {
        let members = json.members ?? []
        let inner = members.map(\.value) + (json.elements ?? [])
        return inner.reduce(into: Set(members.map(\.key))) { $0.formUnion(names(in: $1)) }
    }

    @Test func theManualNamesEveryMember() throws {
        let b = try Self.address("b@y.test")
        var lines = [EnvelopeFile.firstLine(try Self.entry())]
        lines += [
            .attempted(time: 10, [(b, Self.record(.temporary))]), .postponed(until: 20),
            .warned(time: 21), .reported(time: 23, [b]), .expired(time: 30, [b]),
        ].map(EnvelopeFile.line)
        let written = try lines.reduce(into: Set<String>()) {
            $0.formUnion(Self.names(in: try JSON(parsing: $1)))
        }
        let checkout = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let page = try File(path: "\(checkout)/docs/man/wmail.queue.5").readAll()
        let named = String(decoding: page, as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix(".B ") && !$0.hasPrefix(".B wmail") }
            .map { String($0.dropFirst(3)) }
        #expect(Set(named) == written)
        #expect(named.count == written.count, "each once")
    }

    @Test func aTornLastLineIsNoLine() throws {
        let b = try Self.address("b@y.test")
        let first = EnvelopeFile.firstLine(try Self.entry())
        let line = EnvelopeFile.line(.attempted(time: 1, [(b, Self.record(.temporary))]))
        for count in 0..<(line.count - 1) {
            let torn = first + line.prefix(count)
            let (entry, unreadable) = try EnvelopeFile.parse(torn, id: Self.id)
            #expect(entry.attempts == 0 && unreadable == 0)
            // The next event begins on a line of its own.
            let later = torn + [0x0A] + EnvelopeFile.line(.postponed(until: 9))
            #expect(try EnvelopeFile.parse(later, id: Self.id).entry.next == 9)
        }
        #expect(try EnvelopeFile.parse(first + line.dropLast(), id: Self.id).entry.attempts == 1)
    }

    @Test(arguments: [
        "", "\n", "{}", "{\"version\":2,\"sender\":\"\",\"recipients\":[{\"address\":\"a@b\"}]}",
        "{\"version\":1,\"sender\":\"a@b\\r\\nRSET\",\"recipients\":[{\"address\":\"a@b\"}]}",
        "{\"version\":1,\"sender\":\"\",\"recipients\":[]}",
        "{\"version\":1,\"sender\":\"\",\"recipients\":[{\"address\":\"a>@b\"}]}",
        "{\"version\":1,\"sender\":\"\",\"recipients\":[{\"address\":\"a@b\"}],\"ways\":[\"x\"]}",
        "{\"version\":1,\"sender\":\"\",\"recipients\":[{\"address\":\"a@b\"}],\"size\":1}",
    ])
    func refuses(_ text: String) {
        #expect(throws: EnvelopeError.self) {
            try EnvelopeFile.parse(Array(text.utf8), id: Self.id)
        }
    }

    @Test func anOperatorsFileNeedsLittle() throws {
        let text = """
            {"version": 1, "sender": "", "ways": ["direct"], "recipients": [{"address": "a@b.test"}]}
            """
        let entry = try EnvelopeFile.parse(Array(text.utf8), id: Self.id).entry
        #expect(entry.envelope.envelope.sender == .null && entry.claim == nil && entry.next == 0)
    }

    @Test func finds() throws {
        let first = EnvelopeFile.firstLine(try Self.entry())
        #expect(EnvelopeFile.next(inTail: first) == 0)
        #expect(EnvelopeFile.next(inTail: first + Array("{\"next\":\"20".utf8)) == nil)
        #expect(EnvelopeFile.next(inTail: []) == nil)
        #expect(EnvelopeFile.next(inTail: Array("rest\"}\n".utf8)) == nil)
    }

    @Test(arguments: [0, 1, 951_782_400, 951_868_799, 1_700_000_000, 4_102_444_799, 68_169_600])
    func timestamps(_ seconds: Int) {
        #expect(Timestamp.seconds(Timestamp.text(seconds).utf8) == seconds)
    }

    @Test func timestampText() {
        #expect(Timestamp.text(951_782_400) == "2000-02-29T00:00:00Z")
        #expect(Timestamp.text(1_700_000_000) == "2023-11-14T22:13:20Z")
        for text in ["2023-13-14T22:13:20Z", "2023-11-14 22:13:20Z", "2023-11-14T22:13:20", ""] {
            #expect(Timestamp.seconds(text.utf8) == nil)
        }
    }
}
