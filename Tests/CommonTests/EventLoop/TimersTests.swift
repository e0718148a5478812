// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@MainActor @Suite struct TimersTests {
    /// Fires everything in order of time, whatever was set, moved, cleared and removed before.
    @Test func fireInOrder() {
        let timers = Timers()
        var fired: [Int] = []
        var expected: [(UInt64, Int)] = []
        var generator = SystemRandomNumberGenerator()
        let past = Deadline.now.nanoseconds
        for index in 0..<500 {
            let timer = Timer { fired.append(index) }
            var nanoseconds = past - UInt64.random(in: 1...1_000_000, using: &generator)
            timers.set(timer, to: Deadline(nanoseconds: nanoseconds))
            switch index % 5 {
            case 0: timers.clear(timer)
            case 1: timers.remove(timer)
            case 2:
                nanoseconds -= 500_000
                timers.set(timer, to: Deadline(nanoseconds: nanoseconds))
                expected.append((nanoseconds, index))
            default: expected.append((nanoseconds, index))
            }
        }
        timers.fire()
        #expect(fired.count == expected.count)
        #expect(Set(fired) == Set(expected.map(\.1)))
        let times = Dictionary(uniqueKeysWithValues: expected.map { ($0.1, $0.0) })
        let order = fired.compactMap { times[$0] }
        #expect(order == order.sorted())
        #expect(timers.millisecondsToNext() == -1)
    }

    @Test func aTimerMovedLaterFiresLater() {
        let timers = Timers()
        var fired = 0
        let timer = Timer { fired += 1 }
        timers.set(timer, to: Deadline(nanoseconds: 1))
        timers.set(timer, to: .seconds(1000))
        timers.fire()
        #expect(fired == 0)
        #expect(timers.millisecondsToNext() > 900_000)
        timers.set(timer, to: Deadline(nanoseconds: 2))
        timers.fire()
        #expect(fired == 1)
        timers.fire()
        #expect(fired == 1)
    }

    @Test func aClearedTimerCanBeSetAgain() {
        let timers = Timers()
        var fired = 0
        let timer = Timer { fired += 1 }
        timers.set(timer, to: Deadline(nanoseconds: 1))
        timers.clear(timer)
        timers.fire()
        #expect(fired == 0)
        timers.set(timer, to: Deadline(nanoseconds: 1))
        timers.fire()
        #expect(fired == 1)
    }
}
