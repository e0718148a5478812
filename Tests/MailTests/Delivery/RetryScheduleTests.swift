// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct RetryScheduleTests {
    static let minutes: [Double] = [5, 10, 20, 40, 60, 120, 240]

    static func schedule(
        _ minutes: [Double] = minutes, jitter: Int = 0, warn: Double = 4, days: Double = 5
    ) -> RetrySchedule {
        RetrySchedule(
            retryMinutes: minutes, jitterPercent: jitter, warnAfterHours: warn,
            giveUpAfterDays: days)
    }

    @Test(arguments: [
        (0, 300), (1, 300), (2, 600), (3, 1200), (6, 7200), (7, 14_400), (8, 14_400),
        (1000, 14_400), (-1, 300),
    ])
    func waitsGrowAndTheLastRepeats(attempts: Int, wait: Int) {
        var generator = SystemRandomNumberGenerator()
        #expect(
            Self.schedule().next(after: attempts, now: 1000, using: &generator) == 1000 + wait)
    }

    @Test func jitterStaysWithinItsBoundsAndReachesThem() {
        let schedule = Self.schedule(jitter: 20)
        var generator = SystemRandomNumberGenerator()
        let waits = (0..<2000).map { _ in schedule.next(after: 7, now: 0, using: &generator) }
        #expect(waits.allSatisfy { (11_520...17_280).contains($0) })
        // That none of 2000 falls into an outer twentieth has a chance of 10^-44.
        #expect(waits.contains { $0 < 11_808 } && waits.contains { $0 > 16_992 })
    }

    @Test func tinyWaitsNeverBecomeABusyLoop() {
        var generator = SystemRandomNumberGenerator()
        #expect(Self.schedule([0]).next(after: 1, now: 7, using: &generator) == 8)
        #expect(Self.schedule([]).next(after: 1, now: 7, using: &generator) == 307)
    }

    @Test func warningAndEnd() {
        #expect(Self.schedule().warning(arrived: 100) == 100 + 4 * 3600)
        #expect(Self.schedule().expiry(arrived: 100) == 100 + 5 * 86_400)
        #expect(Self.schedule(warn: 0).warning(arrived: 100) == nil)
        // Nobody is warned of what has come back already.
        #expect(Self.schedule(warn: 24, days: 1).warning(arrived: 100) == nil)
    }
}
