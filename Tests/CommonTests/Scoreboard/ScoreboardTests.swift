// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

@testable import Common

/// Pages, and sums that go on when a process is replaced.
@Suite struct ScoreboardTests {
    let folder = TemporaryFolder()

    /// Counts in a page as its process would.
    func count(_ counter: Counter, _ more: UInt64, in name: String) throws {
        let file = try File(path: "\(folder.path)/scoreboard/\(name)", flags: O_RDWR)
        var value: UInt64 = 0
        let place = off_t(8 * (32 + counter.rawValue))
        let number = file.number
        _ = try check("pread") { pread(number, &value, 8, place) }
        value += more
        _ = try check("pwrite") { pwrite(number, &value, 8, place) }
    }

    @Test func pagesAreRead() throws {
        let keeper = try ScoreboardKeeper(run: folder.path)
        let new = try keeper.page("smtpd", 1, generation: 2, started: 1_700_000_000)
        try keeper.assign(new.page, to: 4711)
        try count(.accepted, 5, in: "smtpd.1.1")
        try count(.connections, 2, in: "smtpd.1.1")
        let reading = try Scoreboard.read(folder.path)
        let row = try #require(reading.rows.first)
        #expect(reading.rows.count == 1)
        #expect(row.service == "smtpd" && row.index == 1)
        #expect(
            row.page.facts
                == CounterPage.Facts(
                    process: 4711, started: 1_700_000_000, generation: 2, sequence: 1))
        #expect(row.page[.accepted] == 5)
        #expect(reading.sum(.connections, of: "smtpd") == 2)
    }

    @Test func sumsGoOnAndGaugesDoNot() throws {
        let keeper = try ScoreboardKeeper(run: folder.path)
        let first = try keeper.page("smtpd", 0, generation: 1)
        try count(.accepted, 5, in: "smtpd.0.1")
        try count(.connections, 3, in: "smtpd.0.1")
        let other = try keeper.page("pop3d", 0, generation: 1)
        try count(.accepted, 7, in: "pop3d.0.2")
        try keeper.end(first.page)
        let second = try keeper.page("smtpd", 0, generation: 1)
        try count(.accepted, 1, in: "smtpd.0.3")
        var reading = try Scoreboard.read(folder.path)
        #expect(reading.sum(.accepted, of: "smtpd") == 6)
        #expect(reading.sum(.connections, of: "smtpd") == 0)
        try keeper.end(second.page)
        try keeper.end(other.page)
        reading = try Scoreboard.read(folder.path)
        #expect(reading.rows.isEmpty)
        #expect(reading.sum(.accepted, of: "smtpd") == 6)
        #expect(reading.sum(.accepted, of: "pop3d") == 7)
        #expect(reading.services == ["pop3d", "smtpd"])
    }

    /// Killed between adding a page to the sums and removing it.
    @Test func nothingIsCountedTwice() throws {
        let keeper = try ScoreboardKeeper(run: folder.path)
        let new = try keeper.page("smtpd", 0, generation: 1)
        try count(.accepted, 5, in: "smtpd.0.1")
        let page = try File(path: "\(folder.path)/scoreboard/smtpd.0.1").readAll()
        try keeper.end(new.page)
        let again = try File(path: "\(folder.path)/scoreboard/smtpd.0.1", flags: O_WRONLY | O_CREAT)
        try again.write(page)
        let reading = try Scoreboard.read(folder.path)
        #expect(reading.sum(.accepted, of: "smtpd") == 5)
    }

    @Test func aNewServerBeginsAnew() throws {
        let keeper = try ScoreboardKeeper(run: folder.path)
        let new = try keeper.page("smtpd", 0, generation: 1)
        try count(.accepted, 5, in: "smtpd.0.1")
        try keeper.end(new.page)
        _ = try ScoreboardKeeper(run: folder.path)
        let reading = try Scoreboard.read(folder.path)
        #expect(reading.services.isEmpty)
    }

    @Test func otherFilesAreNoPages() throws {
        #expect(CounterPage([]) == nil)
        #expect(CounterPage([UInt8](repeating: 0, count: 4096)) == nil)
        let page = CounterPage(
            CounterPage.blank(CounterPage.Facts(process: 1, started: 2, generation: 3, sequence: 4))
        )
        #expect(page?.facts.sequence == 4)
        #expect(page?[.accepted] == 0)
    }

    @Test func everyCounterFitsIntoThePage() {
        let numbers = Counter.allCases.map(\.rawValue)
        #expect(Set(numbers).count == numbers.count)
        #expect(numbers.allSatisfy { (0..<480).contains($0) })
        #expect(Set(Counter.allCases.map(\.name)).count == numbers.count)
    }
}
