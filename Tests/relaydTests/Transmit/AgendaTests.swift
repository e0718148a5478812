// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@testable import relayd

private func id(_ number: UInt64) -> QueueID { QueueID(microseconds: number, random: number &* 77) }

@Suite struct AgendaTests {
    @Test func entriesComeInTheOrderOfTheirTimes() {
        var agenda = Agenda()
        let times = (0..<500).map { _ in Int.random(in: 0...1000) }
        for (number, time) in times.enumerated() { agenda.learn(id(UInt64(number)), due: time) }
        var taken: [Int] = []
        while let due = agenda.nextDue() {
            let first = agenda.takeDue(now: 1000)
            guard let first else { break }
            #expect(times[Int(first.id.microseconds)] == due)
            taken.append(due)
        }
        #expect(taken == times.sorted())
        #expect(agenda.count == 500, "at work, they are still known")
    }

    @Test func nothingIsDueBeforeItsTime() {
        var agenda = Agenda()
        agenda.learn(id(1), due: 100)
        let early = agenda.takeDue(now: 99)
        #expect(early == nil)
        let late = agenda.takeDue(now: 100)
        #expect(late?.id == id(1))
        #expect(late?.wish == Agenda.Wish())
        let again = agenda.takeDue(now: 1000)
        #expect(again == nil, "it is at work")
    }

    @Test func whatIsKnownIsNotLearntAgain() {
        var agenda = Agenda()
        agenda.learn(id(1), due: 100)
        agenda.learn(id(1), due: 5)
        #expect(agenda.nextDue() == 100)
    }

    @Test func touchedEntriesAreDueAtOnce() {
        var agenda = Agenda()
        agenda.learn(id(1), due: 1_000_000)
        agenda.touch(id(1), now: 3500)
        agenda.touch(id(2), now: 3500)
        let taken = [agenda.takeDue(now: 1), agenda.takeDue(now: 1)].compactMap(\.self)
        #expect(Set(taken.map(\.id)) == [id(1), id(2)])
        #expect(!taken.map(\.wish.isTouched).contains(false))
        #expect(taken.filter(\.wish.isAsked).map(\.id) == [id(1)], "the other one was just made")
        let third = agenda.takeDue(now: 1)
        #expect(third == nil)
    }

    @Test func whatIsTouchedAtWorkIsTriedAgain() {
        var agenda = Agenda()
        agenda.learn(id(1), due: 0)
        _ = agenda.takeDue(now: 1)
        agenda.touch(id(1), now: 3500)
        let meanwhile = agenda.takeDue(now: 1)
        #expect(meanwhile == nil, "somebody works on it")
        agenda.putBack(id(1), due: 5000)
        let again = agenda.takeDue(now: 1)
        #expect(again?.id == id(1))
        #expect(again?.wish == Agenda.Wish(isTouched: true, isAsked: true, since: 3))
        agenda.putBack(id(1), due: 5000)
        #expect(agenda.nextDue() == 5000, "once")
    }

    @Test func aLineKeepsItsEntriesUntilTheirTurnOrTheirTime() {
        var agenda = Agenda()
        for number in 1...3 as ClosedRange<UInt64> {
            agenda.learn(id(number), due: 0)
            _ = agenda.takeDue(now: 0)
            agenda.line(id(number), at: 7, latest: 100)
        }
        let now = agenda.takeDue(now: 99)
        #expect(now == nil)
        let other = agenda.takeFromLine(id(1), at: 8)
        #expect(other == nil, "it is in another line")
        let turn = agenda.takeFromLine(id(1), at: 7)
        #expect(turn == Agenda.Wish())
        let twice = agenda.takeFromLine(id(1), at: 7)
        #expect(twice == nil)
        agenda.touch(id(2), now: 3500)
        let touched = agenda.takeDue(now: 0)
        #expect(touched?.id == id(2))
        let gone = agenda.takeFromLine(id(2), at: 7)
        #expect(gone == nil)
        let late = agenda.takeDue(now: 100)
        #expect(late?.id == id(3))
    }

    /// All that waits is tried, the oldest first, and whoever is let go of before it was tried is so still.
    @Test func aWishLastsUntilItIsFulfilled() {
        var agenda = Agenda()
        let wish = Agenda.Wish(isTouched: true, isAsked: true, since: 2)
        for number in 1...4 as ClosedRange<UInt64> {
            agenda.learn(id(number * 1000), due: 900 - Int(number))
        }
        let first = agenda.takeDue(now: 896)
        #expect(first?.id == id(4000))
        agenda.line(id(4000), at: 7, latest: 1000)
        let second = agenda.takeDue(now: 897)
        #expect(second?.id == id(3000))
        agenda.touchAll(now: 2000)
        let oldest = agenda.takeDue(now: 10)
        #expect(oldest?.id == id(1000) && oldest?.wish == wish)
        agenda.line(id(1000), at: 7, latest: 1000, wish: wish)
        let next = agenda.takeDue(now: 10)
        #expect(next?.id == id(2000) && next?.wish == wish)
        agenda.putBack(id(2000), due: 500, wish: wish)
        let lined = agenda.takeDue(now: 10)
        #expect(lined?.id == id(4000) && lined?.wish == wish)
        let none = agenda.takeDue(now: 10)
        #expect(none == nil)
        agenda.putBack(id(3000), due: 800)
        let meanwhile = agenda.takeDue(now: 10)
        #expect(meanwhile?.id == id(3000) && meanwhile?.wish == wish, "it was at work")
        let turn = agenda.takeFromLine(id(1000), at: 7)
        #expect(turn == wish)
        let busy = agenda.takeDue(now: 500)
        #expect(busy?.id == id(2000) && busy?.wish == wish)
    }

    /// With several processes each hears of a new entry, and one tries it: that is enough.
    @Test func anAttemptFulfilsAWish() {
        let made = Agenda.Wish(isTouched: true, isAsked: false, since: 100)
        let asked = Agenda.Wish(isTouched: true, isAsked: true, since: 100)
        for (attempt, fulfilsMade, fulfilsAsked) in [
            (nil, false, false), (99, false, false), (100, true, false), (101, true, true),
        ] as [(Int?, Bool, Bool)] {
            #expect(made.isFulfilled(by: attempt) == fulfilsMade)
            #expect(asked.isFulfilled(by: attempt) == fulfilsAsked)
        }
        var agenda = Agenda()
        agenda.touch(id(1), now: 5000)
        let new = agenda.takeDue(now: 5000)
        #expect(new?.wish.isAsked == false)
        agenda.putBack(id(1), due: 6000, wish: new?.wish ?? made)
        let later = agenda.takeDue(now: 6000)
        #expect(later?.wish == Agenda.Wish(), "its file says enough")
    }

    @Test func aLineKnowsItsLength() {
        var agenda = Agenda()
        for number in 1...5 as ClosedRange<UInt64> {
            agenda.learn(id(number), due: 0)
            _ = agenda.takeDue(now: 0)
            agenda.line(id(number), at: 7, latest: 100)
        }
        #expect(agenda.count(at: 7) == 5 && agenda.count(at: 8) == 0)
        agenda.touch(id(1), now: 0)
        _ = agenda.takeFromLine(id(2), at: 7)
        agenda.forget(id(3))
        #expect(agenda.count(at: 7) == 2)
        #expect(agenda.isLined(id(4), at: 7) && !agenda.isLined(id(1), at: 7))
        _ = agenda.takeDue(now: 0)
        _ = agenda.takeDue(now: 100)
        #expect(agenda.count(at: 7) == 1, "one had waited for too long")
        agenda.touchAll(now: 0)
        #expect(agenda.count(at: 7) == 0)
    }

    @Test func staleTimesDoNotPileUp() {
        var agenda = Agenda()
        agenda.learn(id(1), due: 1)
        for round in 0..<10_000 {
            _ = agenda.takeDue(now: round + 1)
            agenda.putBack(id(1), due: round + 2)
        }
        #expect(agenda.count == 1)
        #expect(agenda.nextDue() == 10_001)
        agenda.forget(id(1))
        #expect(agenda.nextDue() == nil)
        #expect(agenda.count == 0)
    }

    @Test func randomLivesNeverLoseAnEntry() {
        var agenda = Agenda()
        var generator = SystemRandomNumberGenerator()
        var atWork: Set<QueueID> = []
        var alive: Set<QueueID> = []
        for step in 0..<20_000 {
            let some = id(UInt64.random(in: 0..<200, using: &generator))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0, 1:
                if !alive.contains(some) {
                    agenda.learn(some, due: step + Int.random(in: 0...50, using: &generator))
                    alive.insert(some)
                }
            case 2: if alive.contains(some) { agenda.touch(some, now: step) }
            case 3, 4:
                if let taken = agenda.takeDue(now: step)?.id {
                    #expect(alive.contains(taken) && !atWork.contains(taken))
                    atWork.insert(taken)
                }
            default:
                guard let mine = atWork.randomElement(using: &generator) else { continue }
                atWork.remove(mine)
                if Bool.random(using: &generator) {
                    agenda.putBack(mine, due: step + 10)
                } else {
                    agenda.forget(mine)
                    alive.remove(mine)
                }
            }
        }
        for mine in atWork { agenda.putBack(mine, due: 0) }
        var left: Set<QueueID> = []
        while let taken = agenda.takeDue(now: .max)?.id { left.insert(taken) }
        #expect(left == alive)
    }
}
