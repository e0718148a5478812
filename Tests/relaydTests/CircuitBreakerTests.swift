// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Testing

@testable import relayd

@Suite struct CircuitBreakerTests {
    static let alice = AccountName(group: "g", user: "alice")
    static let bob = AccountName(group: "g", user: "bob")

    static func id(_ number: UInt64) -> QueueID { QueueID(microseconds: 1, random: number) }

    static func records(_ result: Outcome.Result, _ count: Int, isRemote: Bool = true)
        -> [DeliveryRecord]
    {
        let outcome = Outcome(result, .success, at: .recipient, "said", isRemote: isRemote)
        return [DeliveryRecord](repeating: DeliveryRecord(outcome), count: count)
    }

    /// Accepted, refused, and whether ten are too many.
    @Test(arguments: [
        (0, 9, false), (0, 10, true), (9, 10, true), (10, 10, false), (99, 50, false),
    ])
    func opens(accepted: Int, refused: Int, isOpen: Bool) {
        var breaker = CircuitBreaker(limit: 10)
        let first = breaker.count(Self.records(.accepted, accepted), of: Self.alice, now: 0)
        let second = breaker.count(Self.records(.permanent, refused), of: Self.alice, now: 10)
        let held = breaker.holds(Self.id(1), of: Self.alice, now: 11)
        let other = breaker.holds(Self.id(2), of: Self.bob, now: 11)
        #expect(first == nil && second == (isOpen ? refused : nil))
        #expect(held == isOpen && !other)
    }

    @Test func whatIsNoRefusalDoesNotCount() {
        var breaker = CircuitBreaker(limit: 10)
        let temporary = breaker.count(Self.records(.temporary, 99), of: Self.alice, now: 0)
        let own = breaker.count(
            Self.records(.permanent, 99, isRemote: false), of: Self.alice, now: 0)
        #expect(temporary == nil && own == nil)
        var never = CircuitBreaker(limit: 0)
        let result = never.count(Self.records(.permanent, 1_000_000), of: Self.alice, now: 0)
        #expect(result == nil)
    }

    @Test func anHourEndsIt() {
        var breaker = CircuitBreaker(limit: 10)
        _ = breaker.count(Self.records(.permanent, 9), of: Self.alice, now: 0)
        // The first nine are an hour old.
        let late = breaker.count(Self.records(.permanent, 9), of: Self.alice, now: 3600)
        #expect(late == nil)
        let opened = breaker.count(Self.records(.permanent, 1), of: Self.alice, now: 4000)
        #expect(opened == 10)
        let again = breaker.count(Self.records(.permanent, 5), of: Self.alice, now: 4001)
        #expect(again == nil)
        let before = breaker.holds(Self.id(1), of: Self.alice, now: 7599)
        let after = breaker.holds(Self.id(2), of: Self.alice, now: 7600)
        #expect(before && !after)
    }

    @Test func whatTheOperatorPutsBackGoes() {
        var breaker = CircuitBreaker(limit: 10)
        _ = breaker.count(Self.records(.permanent, 10), of: Self.alice, now: 0)
        let first = breaker.holds(Self.id(1), of: Self.alice, now: 1)
        let back = breaker.holds(Self.id(1), of: Self.alice, now: 100)
        let others = breaker.holds(Self.id(2), of: Self.alice, now: 101)
        #expect(first && !back && !others)
        let trusted = breaker.count(Self.records(.permanent, 99), of: Self.alice, now: 3000)
        #expect(trusted == nil)
        let later = breaker.count(Self.records(.permanent, 10), of: Self.alice, now: 3701)
        #expect(later == 10)
    }

    @Test func memoryIsBounded() {
        var breaker = CircuitBreaker(limit: 1)
        for number in 0..<CircuitBreaker.mostAccounts {
            let account = AccountName(group: "g", user: "u\(number)")
            _ = breaker.count(Self.records(.accepted, 1), of: account, now: 0)
        }
        let full = breaker.count(Self.records(.permanent, 1), of: Self.alice, now: 1)
        let room = breaker.count(Self.records(.permanent, 1), of: Self.alice, now: 3600)
        #expect(full == nil && room == 1)
    }
}
