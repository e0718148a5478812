// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

/// Always the same number of all.
private struct Constant: RandomNumberGenerator {
    let value: UInt64

    mutating func next() -> UInt64 { value }
}

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
        var low = Constant(value: 0)
        var high = Constant(value: .max)
        let schedule = Self.schedule(jitter: 20)
        #expect(schedule.next(after: 1, now: 0, using: &low) == 240)
        #expect((355...360).contains(schedule.next(after: 1, now: 0, using: &high)))
        var generator = SystemRandomNumberGenerator()
        var seen: Set<Int> = []
        for _ in 0..<200 {
            let wait = schedule.next(after: 7, now: 0, using: &generator)
            #expect((11_520...17_280).contains(wait))
            seen.insert(wait)
        }
        #expect(seen.count > 50)
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
