// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct LogRestraintTests {
    func at(_ seconds: Double) -> Deadline { Deadline(nanoseconds: UInt64(seconds * 1e9)) }

    @Test func someOfAKindAreWrittenAndTheRestCounted() {
        var restraint = LogRestraint()
        var verdicts: [LogRestraint.Verdict] = []
        for number in 0..<10_000 {
            verdicts.append(
                restraint.judge("a.b", because: "full", now: at(1 + Double(number) / 100)))
        }
        #expect(verdicts.prefix(LogRestraint.most).allSatisfy { $0 == .write })
        #expect(verdicts[LogRestraint.most] == .keepFirst)
        #expect(verdicts.dropFirst(LogRestraint.most + 1).allSatisfy { $0 == .keep })
        // Other reasons and events are news.
        let another = restraint.judge("a.b", because: "closed", now: at(101))
        let other = restraint.judge("a.c", because: "full", now: at(101))
        #expect(another == .write && other == .write)
        let later = restraint.judge("a.b", because: "full", now: at(301))
        #expect(later == .writeAfter(kept: 10_000 - LogRestraint.most))
        let next = restraint.judge("a.b", because: "full", now: at(302))
        #expect(next == .write)
    }

    @Test func memoryIsBounded() {
        var restraint = LogRestraint()
        for number in 0..<(3 * LogRestraint.mostKinds) {
            // What cannot be remembered is written.
            let verdict = restraint.judge("a.b", because: "\(number)", now: at(1))
            #expect(verdict == .write)
        }
        var verdicts: [LogRestraint.Verdict] = []
        for _ in 0..<20 {
            verdicts.append(restraint.judge("a.b", because: "again", now: at(400)))
        }
        // The old ones have made room.
        #expect(verdicts.last == .keep)
    }
}
