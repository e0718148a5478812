// SPDX-License-Identifier: Apache-2.0
import Common
import Directory
import Testing

@testable import authd

@Suite struct LimitsTests {
    let account = AccountName(group: "default", user: "admin")
    let start = Deadline(nanoseconds: 600_000 * 60_000_000_000)

    @Test func withoutAnAllowanceNothingIsRemembered() {
        var limits = Limits()
        for _ in 0..<1000 {
            #expect(limits.charge(account, recipients: 9, within: .init(), now: start) == nil)
        }
        #expect(limits.count == 0)
    }

    @Test func messagesSlideOutAfterAnHour() {
        var limits = Limits()
        let allowance = GroupDirectory.Allowance(messages: 3)
        for minute in 0..<3 {
            let now = start.advanced(by: Double(minute) * 600)
            #expect(limits.charge(account, recipients: 100, within: allowance, now: now) == nil)
        }
        let now = start.advanced(by: 1800)
        #expect(limits.charge(account, recipients: 1, within: allowance, now: now) == 1800)
        // What was refused was not counted.
        #expect(limits.charge(account, recipients: 1, within: allowance, now: now) == 1800)
        #expect(
            limits.charge(
                account, recipients: 1, within: allowance, now: start.advanced(by: 3600)) == nil)
        #expect(
            limits.charge(
                account, recipients: 1, within: allowance, now: start.advanced(by: 3601)) == 599)
        limits.sweep(now: start.advanced(by: 7201))
        #expect(limits.count == 0)
    }

    @Test(
        arguments: [
            // recipients of each message, what the last one hears
            ([5, 5], nil), ([5, 6], 3600), ([11], 3600), ([10, 0], nil), ([9, 1, 1], 3600),
        ] as [([Int], Int?)])
    func recipients(_ counts: [Int], _ expected: Int?) {
        var limits = Limits()
        var last: Int?
        for count in counts {
            last = limits.charge(
                account, recipients: count, within: .init(recipients: 10), now: start)
        }
        #expect(last == expected)
    }

    @Test func bothLimitsHold() {
        var limits = Limits()
        let allowance = GroupDirectory.Allowance(messages: 2, recipients: 100)
        #expect(limits.charge(account, recipients: 99, within: allowance, now: start) == nil)
        #expect(limits.charge(account, recipients: 2, within: allowance, now: start) == 3600)
        #expect(limits.charge(account, recipients: 1, within: allowance, now: start) == nil)
        #expect(limits.charge(account, recipients: 0, within: allowance, now: start) == 3600)
        let other = AccountName(group: "default", user: "other")
        #expect(limits.charge(other, recipients: 1, within: allowance, now: start) == nil)
    }
}
