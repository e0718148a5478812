// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Testing

@testable import relayd

/// Numbers that are the same in every run with the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        // SplitMix64.
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct SettlementTests {
    static let arrived = 1_700_000_000
    static let hour = 3600
    static let day = 86_400
    static let schedule = RetrySchedule(
        retryMinutes: [5, 60, 240], jitterPercent: 0, warnAfterHours: 4, giveUpAfterDays: 5)

    static func address(_ text: String) throws -> MailAddress { try #require(MailAddress(text)) }

    static func entry(
        sender: String = "a@x.test", reportsTo: Bool = true, delivered: Set<String> = [],
        _ recipients: KeyValuePairs<String, Recipient.Notify?>
    ) throws -> RelayEntry {
        let envelope = Envelope(
            sender: sender.isEmpty ? .null : .address(try address(sender)),
            recipients: try recipients.map { Recipient(try address($0.key), notify: $0.value) })
        let relay = RelayEnvelope(
            envelope, ways: .direct, group: "g",
            reportsTo: reportsTo ? [AccountName(group: "g", user: "a")] : [],
            delivered: Set(try delivered.map { try address($0) }))
        let id = QueueID(microseconds: UInt64(arrived) * 1_000_000, random: 1)
        return RelayEntry(id: id, envelope: relay, claim: nil)
    }

    static func record(_ result: Outcome.Result, takesOver: Bool = false) -> DeliveryRecord {
        let status: EnhancedStatus =
            switch result {
            case .accepted: .success
            case .temporary: .timedOut
            case .permanent: .unknownMailbox
            }
        return DeliveryRecord(
            Outcome(result, status, at: .recipient, "said", isRemote: true), host: "mx [::1]:25",
            takesOverReports: takesOver)
    }

    static func settle(
        _ entry: RelayEntry, _ records: KeyValuePairs<String, DeliveryRecord> = [:], at now: Int,
        schedule: RetrySchedule = schedule, reportsSuccess: Bool = false
    ) throws -> Settlement {
        var generator = SeededGenerator(state: 1)
        return Settlement(
            of: entry, try records.map { (try address($0.key), $0.value) }, now: arrived + now,
            schedule: schedule, reportsSuccess: reportsSuccess, using: &generator)
    }

    /// What is to be told, in short: `failure b@y.test failed 5.1.1`.
    static func short(_ settlement: Settlement) -> [String] {
        settlement.reports.flatMap { report in
            report.recipients.map {
                "\(report.kind) \($0.recipient.address) \($0.action) \($0.status)"
            }
        }
    }

    @Test func successIsSimplyRemoved() throws {
        let entry = try Self.entry(["b@y.test": nil])
        let result = try Self.settle(entry, ["b@y.test": Self.record(.accepted)], at: 1)
        #expect(result.isFinal && result.reports.isEmpty && result.closing.isEmpty)
    }

    @Test func refusalIsReportedOnce() throws {
        var entry = try Self.entry(["b@y.test": nil, "c@y.test": nil])
        let first = try Self.settle(
            entry, ["b@y.test": Self.record(.permanent), "c@y.test": Self.record(.temporary)],
            at: 1)
        #expect(Self.short(first) == ["failure b@y.test failed 5.1.1"])
        let (b, c) = (try Self.address("b@y.test"), try Self.address("c@y.test"))
        let now = Self.arrived + 1
        #expect(
            first.events == [
                .attempted(time: now, [(b, Self.record(.permanent)), (c, Self.record(.temporary))])
            ])
        #expect(
            first.closing == [.reported(time: now, [b]), .postponed(until: now + 300)])
        #expect(first.next == now + 300)
        for event in first.events + first.closing { entry.apply(event) }
        let second = try Self.settle(entry, ["c@y.test": Self.record(.accepted)], at: 301)
        #expect(second.isFinal && second.reports.isEmpty)
    }

    @Test func aReportThatWasNotCommittedIsDueAgain() throws {
        var entry = try Self.entry(["b@y.test": nil])
        let first = try Self.settle(entry, ["b@y.test": Self.record(.permanent)], at: 1)
        #expect(first.isFinal && first.reports.count == 1)
        // Killed before the report: only the events are remembered.
        for event in first.events { entry.apply(event) }
        let second = try Self.settle(entry, at: 50)
        #expect(Self.short(second) == Self.short(first) && second.isFinal)
        #expect(second.events.isEmpty)
        #expect(second.reports[0].recipients[0].lastAttempt == Self.arrived + 1)
    }

    @Test func warnsOnceAndGivesUp() throws {
        var entry = try Self.entry(["b@y.test": nil, "c@y.test": [.failure], "d@y.test": .never])
        func later(_ seconds: Int) throws -> Settlement {
            let result = try Self.settle(
                entry,
                [
                    "b@y.test": Self.record(.temporary), "c@y.test": Self.record(.temporary),
                    "d@y.test": Self.record(.temporary),
                ], at: seconds)
            for event in result.events + result.closing { entry.apply(event) }
            return result
        }
        _ = try later(1)
        _ = try later(301)
        // The next attempt would be at 17,400 s; the warning does not wait for it.
        let early = try later(3 * Self.hour)
        #expect(early.reports.isEmpty && early.next == Self.arrived + 4 * Self.hour)
        let late = try later(4 * Self.hour)
        #expect(Self.short(late) == ["delay b@y.test delayed 4.4.2"])
        #expect(
            late.reports[0].recipients[0].willRetryUntil == Self.arrived + 5 * Self.day)
        #expect(late.closing.first == .warned(time: Self.arrived + 4 * Self.hour))
        #expect(try later(8 * Self.hour).reports.isEmpty)
        let last = try later(5 * Self.day - 60)
        #expect(last.next == Self.arrived + 5 * Self.day && last.reports.isEmpty)
        let end = try later(5 * Self.day)
        #expect(
            Self.short(end) == [
                "failure b@y.test failed 4.4.7", "failure c@y.test failed 4.4.7",
            ])
        #expect(end.isFinal)
    }

    @Test func timePassesWithoutAttempts() throws {
        // The destination is down for all: nothing is attempted, and the sender hears of it all the same.
        let entry = try Self.entry(["b@y.test": nil])
        let quiet = try Self.settle(entry, at: 60)
        #expect(quiet.events.isEmpty && quiet.reports.isEmpty && quiet.closing.count == 1)
        let warned = try Self.settle(entry, at: 4 * Self.hour)
        #expect(Self.short(warned) == ["delay b@y.test delayed 4.4.0"])
        let ended = try Self.settle(entry, at: 6 * Self.day)
        #expect(Self.short(ended) == ["failure b@y.test failed 4.4.7"] && ended.isFinal)
    }

    @Test func anAddressThatStandsForSeveralIsExpanded() throws {
        let alias = try Self.address("team@x.test")
        let original = OriginalRecipient(address: alias)
        let relay = RelayEnvelope(
            Envelope(
                sender: .address(try Self.address("a@x.test")),
                recipients: [
                    Recipient(try Self.address("b@y.test"), notify: .failure, original: original),
                    Recipient(alias, notify: [.success, .failure], original: original),
                    Recipient(try Self.address("c@x.test"), notify: .success),
                ]), ways: .direct, group: "g", delivered: [alias, try Self.address("c@x.test")])
        let id = QueueID(microseconds: UInt64(Self.arrived) * 1_000_000, random: 1)
        let result = try Self.settle(RelayEntry(id: id, envelope: relay, claim: nil), at: 1)
        #expect(
            Self.short(result) == [
                "success team@x.test expanded 2.1.5", "success c@x.test delivered 2.1.5",
            ])
        #expect(!result.isFinal)
    }

    @Test func deadlines() throws {
        func deadline(_ entry: RelayEntry) -> Int {
            Settlement.deadline(of: entry, Self.schedule) - Self.arrived
        }
        var entry = try Self.entry(["b@y.test": nil])
        #expect(deadline(entry) == 4 * Self.hour)
        entry.apply(.warned(time: 1))
        #expect(deadline(entry) == 5 * Self.day)
        #expect(deadline(try Self.entry(["b@y.test": .failure])) == 5 * Self.day)
        #expect(deadline(try Self.entry(sender: "", ["b@y.test": nil])) == 5 * Self.day)
    }

    @Test func acceptedAtTheLastMomentIsNotExpired() throws {
        let entry = try Self.entry(["b@y.test": nil])
        let result = try Self.settle(
            entry, ["b@y.test": Self.record(.accepted)], at: 5 * Self.day + 1)
        #expect(result.isFinal && result.reports.isEmpty && result.events.count == 1)
    }

    /// NOTIFY, what happened, and what is told (RFC 3461 §4.1, §5.2).
    static let rules: [(Recipient.Notify?, String, [String])] = [
        (nil, "accepted", []), (nil, "refused", ["failure failed"]),
        (nil, "late", ["delay delayed"]),
        (.never, "accepted", []), (.never, "refused", []), (.never, "late", []),
        (.never, "expired", []), (.never, "local", []),
        (.success, "accepted", ["success relayed"]), (.success, "takenOver", []),
        (.success, "refused", []), (.success, "late", []), (.success, "expired", []),
        (.success, "local", ["success delivered"]),
        (.failure, "accepted", []), (.failure, "refused", ["failure failed"]),
        (.failure, "expired", ["failure failed"]), (.failure, "late", []), (.failure, "local", []),
        (.delay, "late", ["delay delayed"]), (.delay, "refused", []), (.delay, "expired", []),
        ([.success, .failure, .delay], "accepted", ["success relayed"]),
        ([.success, .failure, .delay], "takenOver", []),
        ([.success, .failure, .delay], "refused", ["failure failed"]),
        (nil, "local", []), (nil, "takenOver", []), (nil, "expired", ["failure failed"]),
    ]

    @Test(arguments: rules.indices, ["a@x.test", ""]) func notify(rule: Int, sender: String) throws
    {
        let (notify, what, told) = Self.rules[rule]
        let entry = try Self.entry(
            sender: sender, delivered: what == "local" ? ["b@y.test"] : [], ["b@y.test": notify])
        let result =
            switch what {
            case "accepted": try Self.settle(entry, ["b@y.test": Self.record(.accepted)], at: 1)
            case "takenOver":
                try Self.settle(
                    entry, ["b@y.test": Self.record(.accepted, takesOver: true)], at: 1)
            case "refused": try Self.settle(entry, ["b@y.test": Self.record(.permanent)], at: 1)
            case "late":
                try Self.settle(
                    entry, ["b@y.test": Self.record(.temporary)], at: 4 * Self.hour)
            case "expired":
                try Self.settle(entry, ["b@y.test": Self.record(.temporary)], at: 5 * Self.day)
            default: try Self.settle(entry, at: 1)
            }
        let short = result.reports.flatMap { report in
            report.recipients.map { "\(report.kind) \($0.action)" }
        }
        #expect(short == (sender.isEmpty ? [] : told))
        #expect(result.isFinal == (what != "late"))
    }

    /// `deliveryReports`: who hears of success without having asked.
    @Test(
        arguments: [
            (nil, true, true), (nil, false, false), (.never, true, false), (.failure, true, false),
        ] as [(Recipient.Notify?, Bool, Bool)])
    func successUnasked(notify: Recipient.Notify?, isOurs: Bool, told: Bool) throws {
        let entry = try Self.entry(reportsTo: isOurs, ["b@y.test": notify])
        let result = try Self.settle(
            entry, ["b@y.test": Self.record(.accepted, takesOver: true)], at: 1,
            reportsSuccess: true)
        #expect(Self.short(result) == (told ? ["success b@y.test relayed 2.0.0"] : []))
    }

    // MARK: Whatever happens

    @Test(arguments: 0..<400) func everyRecipientEndsOnceAndIsReportedOnce(seed: Int) throws {
        var generator = SeededGenerator(state: UInt64(seed))
        let notifies: [Recipient.Notify?] = [
            nil, .never, .success, .failure, .delay, [.success, .failure, .delay],
        ]
        let count = Int.random(in: 1...5, using: &generator)
        var recipients: [Recipient] = []
        var delivered: Set<MailAddress> = []
        for number in 0..<count {
            let address = try Self.address("r\(number)@y.test")
            let notify = notifies.randomElement(using: &generator) ?? nil
            recipients.append(Recipient(address, notify: notify))
            if Int.random(in: 0..<6, using: &generator) == 0 { delivered.insert(address) }
        }
        let hasSender = Int.random(in: 0..<5, using: &generator) > 0
        let relay = RelayEnvelope(
            Envelope(
                sender: hasSender ? .address(try Self.address("a@x.test")) : .null,
                recipients: recipients), ways: .direct, group: "g", delivered: delivered)
        let id = QueueID(microseconds: UInt64(Self.arrived) * 1_000_000, random: 1)
        let first = RelayEntry(id: id, envelope: relay, claim: nil)
        let schedule = RetrySchedule(
            retryMinutes: [5, 60, 240], jitterPercent: 20, warnAfterHours: 4, giveUpAfterDays: 2)
        let expiry = schedule.expiry(arrived: Self.arrived)

        var log = EnvelopeFile.firstLine(first)
        var now = Self.arrived
        var ends: [MailAddress: Set<String>] = [:]
        var told: [MailAddress: [Report.Kind]] = [:]
        var isOver = false
        for _ in 0..<500 where !isOver {
            // As after a restart: all that is known is what was written.
            var entry = try EnvelopeFile.parse(log, id: id).entry
            var records: [(MailAddress, DeliveryRecord)] = []
            for recipient in entry.pending where Bool.random(using: &generator) {
                let result: Outcome.Result =
                    [.accepted, .permanent, .temporary, .temporary, .temporary, .temporary]
                    .randomElement(using: &generator) ?? .temporary
                records.append((recipient.address, Self.record(result)))
            }
            let settlement = Settlement(
                of: entry, records, now: now, schedule: schedule, using: &generator)
            for event in settlement.events {
                entry.apply(event)
                log += EnvelopeFile.line(event)
            }
            for progress in entry.recipients where !progress.isPending {
                let end =
                    progress.isExpired
                    ? "expired" : "\(progress.record?.outcome.result.rawValue ?? "")"
                ends[progress.recipient.address, default: []].insert(end)
            }
            #expect(Set(settlement.reports.map(\.kind)).count == settlement.reports.count)
            // Killed before the reports, now and then.
            if Int.random(in: 0..<8, using: &generator) == 0 {
                now += Int.random(in: 0...100, using: &generator)
                continue
            }
            for report in settlement.reports {
                #expect(!report.recipients.isEmpty)
                for reported in report.recipients {
                    told[reported.recipient.address, default: []].append(report.kind)
                }
            }
            for event in settlement.closing { log += EnvelopeFile.line(event) }
            if let next = settlement.next {
                #expect(next > now && (next <= expiry || now >= expiry))
                // Now and then somebody touches the file, or the host sleeps.
                let drift = [0, 0, -30, 5000].randomElement(using: &generator) ?? 0
                now = max(now, next + drift)
            } else {
                isOver = true
            }
        }
        #expect(isOver)
        for recipient in recipients {
            let (end, reports) = (
                ends[recipient.address] ?? [], told[recipient.address] ?? []
            )
            #expect(end.count == 1, "\(recipient.address) ended as \(end)")
            #expect(Set(reports).count == reports.count, "\(recipient.address): \(reports)")
            let final = reports.filter { $0 != .delay }
            let wanted: [Report.Kind]
            if !hasSender {
                wanted = []
            } else if end == ["accepted"] {
                wanted = recipient.notify?.contains(.success) == true ? [.success] : []
            } else {
                wanted = recipient.notify?.contains(.failure) ?? true ? [.failure] : []
            }
            #expect(final == wanted, "\(recipient.address), \(end), \(recipient.notify as Any)")
            let mayBeWarned = hasSender && recipient.notify?.contains(.delay) ?? true
            #expect(mayBeWarned || !reports.contains(.delay))
        }
    }
}
