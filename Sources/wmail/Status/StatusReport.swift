// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail

/// Everything that `wmail status`, `wmail top` and `wmail metrics` tell, at one moment.
struct StatusReport: Sendable {
    /// Nil when no server has run here since the machine started.
    var reading: Scoreboard.Reading?
    /// The same a moment earlier, for rates.
    var earlier: Scoreboard.Reading?
    /// By process id.
    var facts: [Int: ProcessFacts]
    /// Nil when this user may not list the queue.
    var queue: QueueDepth?
    /// Seconds since 1970.
    var now: Int

    /// Looks at everything.
    ///
    /// - Throws: ``Failure`` when this user may not.
    init(_ places: Places, after earlier: Scoreboard.Reading? = nil) throws(Failure) {
        self.earlier = earlier
        now = WallClock.seconds
        do throws(SystemError) {
            reading = try Scoreboard.read(places.run)
        } catch {
            guard error.code == ENOENT else { throw Failure(error) }
            reading = nil
        }
        do throws(SystemError) {
            queue = try QueueDepth(places)
        } catch {
            guard error.code == ENOENT else { throw Failure(error) }
            queue = nil
        }
        facts = [:]
        for row in reading?.rows ?? [] {
            let process = row.page.facts.process
            facts[process] = ProcessFacts(process: process)
        }
    }

    /// For tests.
    init(
        reading: Scoreboard.Reading?, earlier: Scoreboard.Reading? = nil,
        facts: [Int: ProcessFacts], queue: QueueDepth?, now: Int
    ) {
        (self.reading, self.earlier, self.facts, self.queue, self.now) = (
            reading, earlier, facts, queue, now
        )
    }

    /// The master, if it lives: the page of a master that was killed stays.
    var master: Scoreboard.Row? {
        reading?.rows.last { $0.service == "master" && facts[$0.page.facts.process] != nil }
    }

    /// A counter's growth per second since the earlier reading; nil without one.
    func rate(_ counter: Counter, of service: String) -> Double? {
        guard let earlier, let reading else { return nil }
        let seconds = reading.time.seconds(since: earlier.time)
        guard seconds > 0 else { return nil }
        return Double(max(0, reading.sum(counter, of: service) - earlier.sum(counter, of: service)))
            / seconds
    }

    var json: JSON {
        var processes: [JSON] = []
        for row in reading?.rows ?? [] {
            let facts = row.page.facts
            let kernel = self.facts[facts.process]
            processes.append([
                "process": .string("\(row.service).\(row.index)"), "pid": .integer(facts.process),
                "alive": .boolean(kernel != nil), "user": kernel.map { .string($0.user) } ?? .null,
                "started": .string(Timestamp.text(facts.started)),
                "generation": .integer(facts.generation),
                "residentOctets": .integer(kernel?.resident ?? 0),
                "landlock": .integer(row.page[.landlock]),
                "seccomp": .boolean(kernel?.hasFilter ?? false),
                "capabilities": .boolean(kernel?.hasCapabilities ?? false),
                "connections": .integer(row.page[.connections]),
                "storageUnreadable": .boolean(row.page[.storageUnreadable] > 0),
                "storageUnwritable": .boolean(row.page[.storageUnwritable] > 0),
            ])
        }
        let services = (reading?.services ?? []).map { service in
            let counters = Counter.allCases.filter { $0.belongs(to: service) }.map { counter in
                (counter.name, JSON.integer(reading?.sum(counter, of: service) ?? 0))
            }
            let rates = Counter.allCases.filter { !$0.isGauge && $0.belongs(to: service) }
                .compactMap { counter in
                    rate(counter, of: service).map {
                        (counter.name, JSON.number(($0 * 10).rounded() / 10))
                    }
                }
            return (
                service,
                JSON.object([("counters", .object(counters)), ("perSecond", .object(rates))])
            )
        }
        let queue = QueuePlace.allCases.map { place in
            let found = self.queue?.places[place] ?? QueueDepth.Place()
            return (
                place.rawValue,
                JSON.object([
                    ("entries", .integer(found.entries)),
                    ("oldestSeconds", found.oldest.map { .integer(max(0, now - $0)) } ?? .null),
                ])
            )
        }
        return [
            "running": .boolean(master != nil), "processes": .array(processes),
            "services": .object(services), "queue": .object(queue),
        ]
    }
}

extension StatusReport {
    /// For people: the processes, what they do, what waits.
    func text(_ palette: Palette) -> String {
        processText(palette) + "\n" + serviceText(palette) + "\n" + queueText(palette)
    }

    private func processText(_ palette: Palette) -> String {
        guard master != nil else { return palette.bad("The server does not run.") + "\n" }
        var table = Table(["PROCESS", "PID", "USER", "UP", "MEMORY", "SANDBOX", "CONNECTIONS"])
        for row in reading?.rows ?? [] {
            let facts = row.page.facts
            guard let kernel = self.facts[facts.process] else { continue }
            var sandbox: [String] = []
            if row.page[.landlock] > 0 { sandbox.append("landlock") }
            if kernel.hasFilter { sandbox.append("seccomp") }
            if kernel.hasCapabilities { sandbox.append("capabilities") }
            let accepts = row.service == "smtpd" || row.service == "pop3d"
            table.add([
                "\(row.service).\(row.index)", "\(facts.process)", kernel.user,
                TimeSpan.text(now - facts.started), sizeText(kernel.resident),
                sandbox.isEmpty ? "none" : sandbox.joined(separator: " "),
                accepts ? "\(row.page[.connections])" : "",
            ])
        }
        return table.text(palette) + storageText(palette)
    }

    /// Who cannot use the files that it works on; empty when all can.
    private func storageText(_ palette: Palette) -> String {
        var text = ""
        for row in reading?.rows ?? [] where facts[row.page.facts.process] != nil {
            for (gauge, verb) in [
                (Counter.storageUnreadable, "read"), (.storageUnwritable, "written"),
            ] where row.page[gauge] > 0 {
                text += palette.bad(
                    "\(row.service).\(row.index): files cannot be \(verb); see storage.failed in the log."
                )
                text += "\n"
            }
        }
        return text
    }

    private func serviceText(_ palette: Palette) -> String {
        var table = Table(["SERVICE", "WHAT", "TOTAL", "PER SECOND"])
        for service in reading?.services ?? [] {
            for counter in Counter.allCases where !counter.isGauge && counter.belongs(to: service) {
                let total = reading?.sum(counter, of: service) ?? 0
                let rate = rate(counter, of: service).map { Self.decimal($0) } ?? ""
                table.add([
                    service, counter.words, counter.isOctets ? sizeText(total) : "\(total)", rate,
                ])
            }
        }
        return table.text(palette)
    }

    private func queueText(_ palette: Palette) -> String {
        guard let queue else { return "There is no queue.\n" }
        var table = Table(["QUEUE", "ENTRIES", "OLDEST"])
        for place in QueuePlace.allCases {
            let found = queue.places[place] ?? QueueDepth.Place()
            table.add([
                place.rawValue, "\(found.entries)",
                found.oldest.map { TimeSpan.text(now - $0) } ?? "",
            ])
        }
        return table.text(palette)
    }

    /// With one digit behind the point.
    static func decimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
