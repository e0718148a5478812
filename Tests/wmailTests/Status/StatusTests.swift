// SPDX-License-Identifier: Apache-2.0
@testable import Common
import Testing

@testable import wmail

@Suite struct StatusTests {
    static let status = """
        Name:\tsmtpd
        Uid:\t0\t0\t0\t0
        VmRSS:\t    8192 kB
        CapEff:\t0000000000000000
        NoNewPrivs:\t1
        Seccomp:\t2
        """

    @Test func processFacts() throws {
        let facts = try #require(ProcessFacts(Self.status))
        #expect(facts.user == "root" && facts.resident == 8 << 20)
        #expect(facts.hasFilter && facts.hasNoNewPrivileges && !facts.hasCapabilities)
        #expect(ProcessFacts("Name:\tx\n") == nil)
    }

    static func report() throws -> StatusReport {
        let facts = CounterPage.Facts(
            process: 10, started: 1_799_996_400, generation: 1, sequence: 1)
        let page = try #require(CounterPage(CounterPage.blank(facts)))
        let rows = ["master", "smtpd"].map { Scoreboard.Row(service: $0, index: 0, page: page) }
        let reading = Scoreboard.Reading(
            time: Deadline(nanoseconds: 3_000_000_000), rows: rows,
            ended: ["smtpd": [.accepted: 30]])
        let earlier = Scoreboard.Reading(
            time: Deadline(nanoseconds: 1_000_000_000), rows: rows,
            ended: ["smtpd": [.accepted: 20]])
        var depth = QueueDepth()
        depth.places[.relay] = QueueDepth.Place(entries: 3, oldest: 1_799_999_000)
        return StatusReport(
            reading: reading, earlier: earlier,
            facts: [10: try #require(ProcessFacts(Self.status))],
            queue: depth, now: 1_800_000_000)
    }

    @Test func text() throws {
        let text = try Self.report().text(.plain)
        let lines = text.split(separator: "\n").map {
            $0.split(separator: " ").joined(separator: " ")
        }
        #expect(lines.contains("smtpd.0 10 root 60 min 8.0 M seccomp 0"))
        #expect(lines.contains("smtpd connections accepted 30 5.0"))
        #expect(lines.contains("relay 3 16 min"))
    }

    @Test func storageThatFails() throws {
        let calm = try Self.report()
        #expect(!calm.text(.plain).contains("cannot be"))
        var bytes = CounterPage.blank(
            CounterPage.Facts(process: 10, started: 1_799_996_400, generation: 1, sequence: 2))
        bytes[8 * (32 + Counter.storageUnreadable.rawValue)] = 1
        var report = calm
        let page = try #require(CounterPage(bytes))
        report.reading?.rows.append(Scoreboard.Row(service: "transmit", index: 0, page: page))
        let warning = "transmit.0: files cannot be read; see storage.failed in the log."
        #expect(report.text(.plain).split(separator: "\n").contains { $0 == warning })
        let metrics = MetricsText(report).text.split(separator: "\n")
        #expect(metrics.contains("wmail_storage_unreadable{service=\"transmit\"} 1"))
        #expect(metrics.contains("wmail_storage_unwritable{service=\"transmit\"} 0"))
        #expect(!metrics.contains { $0.hasPrefix("wmail_storage_unreadable{service=\"smtpd") })
    }

    @Test func metrics() throws {
        let lines = MetricsText(try Self.report()).text.split(separator: "\n").map(String.init)
        #expect(lines.contains("wmail_up 1"))
        #expect(lines.contains("# TYPE wmail_accepted_total counter"))
        #expect(lines.contains("wmail_accepted_total{service=\"smtpd\"} 30"))
        #expect(lines.contains("wmail_queue_entries{place=\"relay\"} 3"))
        #expect(lines.contains("wmail_queue_oldest_seconds{place=\"relay\"} 1000"))
        let names = lines.filter { $0.hasPrefix("# TYPE") }
        #expect(Set(names).count == names.count)
    }

    @Test func aServerThatDoesNotRun() throws {
        let report = StatusReport(reading: nil, facts: [:], queue: nil, now: 0)
        #expect(report.text(.plain).hasPrefix("The server does not run."))
        #expect(MetricsText(report).text.contains("wmail_up 0"))
        #expect(report.json["running"]?.boolean == false)
    }
}

@Suite struct LogLineTests {
    @Test(arguments: [
        (
            "12:00:00.123 info smtpd[12] event=message.queued id=abc from=\"<a b@c>\" login=\"\" size=12",
            "12:00:00.123 info smtpd[12]", "message.queued",
            ["id=abc", "from=<a b@c>", "login=", "size=12"]
        ),
        ("<6>event=x.y a=\"q\\\"\\\\\\x1b\"", "", "x.y", ["a=q\"\\\u{1B}"]),
        (
            "2026-11-26T12:00:00+0000 host smtpd[1]: event=x.y",
            "2026-11-26T12:00:00+0000 host smtpd[1]:", "x.y", []
        ),
        ("event=x a=\"not ended", "", "x", ["a=not ended"]),
    ])
    func read(_ text: String, _ prefix: String, _ event: String, _ fields: [String]) throws {
        let line = try #require(LogLine(text))
        #expect(line.prefix == prefix)
        #expect(line.event == event)
        #expect(line.fields.map { "\($0.name)=\($0.value)" } == fields)
    }

    @Test(arguments: ["", "nothing", "noevent=1", "subject=\"event", "event"])
    func noEvent(_ text: String) {
        #expect(LogLine(text) == nil)
    }

    /// What a client says inside a value is no event of its own.
    @Test func valuesCannotForge() throws {
        let line = try #require(LogLine("event=a.b helo=\"x event=c.d id=1\" id=2"))
        #expect(line.event == "a.b")
        #expect(line["id"] == "2")
    }
}
