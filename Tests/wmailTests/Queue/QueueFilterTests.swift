// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Testing

@testable import wmail

@Suite struct QueueFilterTests {
    static let now = 1_800_000_000

    static func id(age: Int) -> QueueID {
        QueueID(microseconds: UInt64(now - age) * 1_000_000, random: 7)
    }

    @Test(arguments: [
        ("90", 90), ("90s", 90), ("15m", 900), ("4h", 14_400), ("3d", 259_200), ("2w", 1_209_600),
        ("", nil), ("m", nil), ("-5m", nil), ("5mm", nil), ("1.5h", nil), ("5x", nil),
    ])
    func timeSpans(_ text: String, _ seconds: Int?) {
        #expect(TimeSpan(text)?.seconds == seconds)
    }

    @Test func sizes() {
        #expect(
            [0, 1023, 1024, 4200, 12_345, 5 << 20, 3 << 30].map(sizeText)
                == ["0", "1023", "1.0 K", "4.1 K", "12 K", "5.0 M", "3.0 G"])
    }

    @Test(arguments: [
        (QueueFilter(), true),
        (QueueFilter(olderThan: 3599), true),
        (QueueFilter(olderThan: 3600), false),
        (QueueFilter(youngerThan: 3601), true),
        (QueueFilter(youngerThan: 3600), false),
        (QueueFilter(ids: [id(age: 3600).description]), true),
        (QueueFilter(ids: ["name"]), true),
        (QueueFilter(ids: [id(age: 3599).description]), false),
    ])
    func namesAlone(_ filter: QueueFilter, _ isAdmitted: Bool) {
        #expect(filter.admits(name: "name", id: Self.id(age: 3600), now: Self.now) == isAdmitted)
    }

    @Test(arguments: [
        (QueueFilter(), true, true),
        (QueueFilter(sender: Wildcard("*@ELSEWHERE.test")), true, true),
        (QueueFilter(sender: Wildcard("other@*")), false, false),
        (QueueFilter(recipient: Wildcard("alice")), true, false),
        (QueueFilter(recipient: Wildcard("default/alice")), true, false),
        (QueueFilter(recipient: Wildcard("late@*")), false, true),
        (QueueFilter(recipient: Wildcard("done@*")), false, false),
        (QueueFilter(destination: Wildcard("local")), true, false),
        (QueueFilter(destination: Wildcard("*.example")), false, true),
    ])
    func contents(_ filter: QueueFilter, _ local: Bool, _ relay: Bool) throws {
        #expect(filter.admits(try QueueSamples.local()) == local)
        #expect(filter.admits(try QueueSamples.relay()) == relay)
    }

    @Test(arguments: [
        ("Return-Path: <a@b.test>\r\nReceived: x", "a@b.test"), ("Return-Path: <>\r\n", ""),
        ("return-path:<a@b>\n", "a@b"), ("Received: <a@b>\r\n", ""), ("", ""),
        ("Return-Path: >a<\r\n", ""),
    ])
    func returnPaths(_ head: String, _ sender: String) {
        #expect(QueueView.returnPath(in: Array(head.utf8)) == sender)
    }
}

/// Entries as a view of the queue would give them.
enum QueueSamples {
    static let id = QueueFilterTests.id(age: 3600)

    static func local() throws -> QueuedEntry {
        let name = EntryName(
            id: id, account: AccountName(group: "default", user: "alice"), claim: nil)
        return QueuedEntry(
            place: .local, name: name.text, id: id, size: 10, isBusy: false,
            content: .local(name, sender: "me@elsewhere.test"))
    }

    /// One recipient has it, the other waits after one attempt.
    static func relay() throws -> QueuedEntry {
        let done = try #require(MailAddress("done@one.example"))
        let late = try #require(MailAddress("late@two.example"))
        let sender = try #require(MailAddress("me@elsewhere.test"))
        let envelope = RelayEnvelope(
            Envelope(sender: .address(sender), recipients: [Recipient(done), Recipient(late)]),
            ways: .direct, group: "default")
        var entry = RelayEntry(id: id, envelope: envelope, claim: nil)
        let busy = Outcome(
            .temporary, try #require(EnhancedStatus("4.2.1")), at: .recipient,
            "450 4.2.1 later\u{1B}[31m",
            isRemote: true)
        let history: [RelayEvent] = [
            .attempted(
                time: QueueFilterTests.now - 1800,
                [
                    (done, DeliveryRecord(Outcome(.accepted, .success, at: .endOfData, "250 ok"))),
                    (
                        late,
                        DeliveryRecord(busy, host: "mx.two.example [192.0.2.9]:25", tls: "TLSv1.3")
                    ),
                ]), .postponed(until: QueueFilterTests.now + 900),
        ]
        for event in history { entry.apply(event) }
        return QueuedEntry(
            place: .relay, name: "\(id).env", id: id, size: 5000, isBusy: false,
            content: .relay(entry, history: history))
    }
}

@Suite struct QueueOutputTests {
    @Test func list() throws {
        let entries = [try QueueSamples.local(), try QueueSamples.relay()]
        let id = QueueSamples.id.description
        let text = QueueList.text(entries, now: QueueFilterTests.now, .plain)
        #expect(
            text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                line.split(separator: " ").joined(separator: " ")
            } == [
                "ID STATE AGE SIZE FROM TO TRIES NEXT REASON",
                "\(id) waiting 60 min 10 me@elsewhere.test default/alice",
                "\(id) deferred 60 min 4.9 K me@elsewhere.test late@two.example 1 in 15 min "
                    + "mx.two.example [192.0.2.9]:25: 450 4.2.1 later?[31m",
                "2 entries, 4.9 K octets", "",
            ])
        #expect(QueueList.text([], now: 0, .plain) == "The queue is empty.\n")
    }

    @Test func listForPrograms() throws {
        let json = try QueueSamples.relay().json(now: QueueFilterTests.now)
        #expect(json["state"]?.string == "deferred")
        #expect(json["age"]?.integer == 3600)
        #expect(json["attempts"]?.integer == 1)
        #expect(json["recipients"] == ["late@two.example"])
        #expect(json["reason"]?.string?.hasPrefix("mx.two.example") == true)
    }

    @Test func show() throws {
        let text = QueueShow.text(try QueueSamples.relay(), now: QueueFilterTests.now, .plain)
        #expect(text.contains("tried late@two.example: temporary 4.2.1 by mx.two.example"))
        #expect(text.contains("[TLSv1.3]"))
        #expect(!text.contains("\u{1B}"))
        let json = QueueShow.json(try QueueSamples.relay(), now: QueueFilterTests.now)
        #expect(
            json["history"]?[0]?["outcomes"]?[1]?["host"]?.string == "mx.two.example [192.0.2.9]:25"
        )
        #expect(json["progress"]?[0]?["pending"]?.boolean == false)
    }
}
