// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import relayd

@Suite struct SetbacksTests {
    let subject = Setbacks.Subject.account(AccountName(group: "g", user: "u"))

    func at(_ seconds: Double) -> Deadline { Deadline(nanoseconds: UInt64(seconds * 1e9)) }

    @Test func delaysGrowToALimitAndAreToldOfOnce() {
        var setbacks = Setbacks()
        var now = at(100)
        #expect(setbacks.add(subject, reason: "full", now: now, jitter: 1) == 1)
        // Further entries of the same scan.
        #expect(setbacks.add(subject, reason: "full", now: now, jitter: 1) == nil)
        var waits: [Double] = []
        for _ in 0..<12 {
            let due = setbacks.nextDue ?? now
            waits.append(due.seconds(since: now))
            #expect(setbacks.isSetAside(subject, now: at(due.seconds(since: at(0)) - 0.001)))
            #expect(!setbacks.isSetAside(subject, now: due))
            now = due
            #expect(setbacks.add(subject, reason: "full", now: now, jitter: 1) == nil)
            setbacks.settle(scanStarted: now, now: now)
        }
        #expect(waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600])
    }

    @Test func anotherReasonIsNews() {
        var setbacks = Setbacks()
        #expect(setbacks.add(subject, reason: "full", now: at(1), jitter: 1) == 1)
        #expect(setbacks.add(subject, reason: "closed", now: at(3), jitter: 1) == 1)
    }

    @Test func whatASuccessOrAnEmptyScanSettlesIsForgotten() {
        var setbacks = Setbacks()
        let before = setbacks.remove(subject)
        #expect(!before)
        _ = setbacks.add(subject, reason: "full", now: at(1), jitter: 1)
        let after = setbacks.remove(subject)
        #expect(after)
        _ = setbacks.add(.entry("x"), reason: "bad", now: at(1), jitter: 1)
        // Not due yet when the scan began: kept.
        setbacks.settle(scanStarted: at(1.5), now: at(1.6))
        #expect(setbacks.nextDue == at(2))
        // Due, and the scan did not meet it again.
        setbacks.settle(scanStarted: at(2.5), now: at(2.6))
        #expect(setbacks.nextDue == nil)
        let late = setbacks.remove(.entry("x"))
        #expect(!late)
    }

    @Test func memoryIsBounded() {
        var setbacks = Setbacks()
        for number in 0..<(Setbacks.most + 10) {
            _ = setbacks.add(.entry("\(number)"), reason: "bad", now: at(1))
        }
        #expect(!setbacks.isSetAside(.entry("\(Setbacks.most + 5)"), now: at(1)))
        #expect(setbacks.isSetAside(.entry("5"), now: at(1)))
    }
}
