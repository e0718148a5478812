// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@testable import relayd

@Suite struct PendingLinksTests {
    @Test func givesBackTheNamesOfAnID() {
        let (one, other) = (
            QueueID(microseconds: 1, random: 1), QueueID(microseconds: 2, random: 1)
        )
        var pending = PendingLinks()
        for name in ["\(one).g.a", "\(other).g.a", "\(one).g.b", "strange"] {
            let isKept = pending.add(name)
            #expect(isKept)
        }
        #expect(pending.count == 3)
        #expect(pending.take(one) == ["\(one).g.a", "\(one).g.b"])
        #expect(pending.take(one).isEmpty)
        #expect(pending.count == 1)
        pending.forget(before: 2)
        #expect(pending.count == 1)
        pending.forget(before: 3)
        #expect(pending.count == 0)
    }

    @Test func isBounded() {
        var pending = PendingLinks()
        var refused = 0
        for number in 0...PendingLinks.most {
            let id = QueueID(microseconds: UInt64(number), random: 0)
            if !pending.add("\(id).g.a") { refused += 1 }
        }
        #expect(refused == 1 && pending.count == 0)
    }
}
