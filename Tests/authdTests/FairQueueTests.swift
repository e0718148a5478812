// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import authd

@Suite struct FairQueueTests {
    private func take(
        _ queue: inout FairQueue<String, Int>, where mayServe: (String) -> Bool
    ) -> Int? {
        queue.next { key, _ in mayServe(key) }?.element
    }

    @Test func byTurns() {
        var queue = FairQueue<String, Int>(capacity: 100, perKey: 10)
        for number in 0..<5 {
            #expect(queue.append(number, key: "flood", isPreferred: false) == true)
        }
        #expect(queue.append(100, key: "honest", isPreferred: false) == true)
        var order: [Int] = []
        while let (_, number) = queue.next(where: { _, _ in true }) { order.append(number) }
        #expect(order == [0, 100, 1, 2, 3, 4])
        #expect(queue.count == 0)
    }

    @Test func preferredGoFirst() {
        var queue = FairQueue<String, Int>(capacity: 100, perKey: 10)
        for number in 0..<3 { _ = queue.append(number, key: "flood", isPreferred: false) }
        _ = queue.append(100, key: "flood", isPreferred: true)
        #expect(take(&queue) { _ in true } == 100)
        #expect(take(&queue) { _ in true } == 0)
    }

    @Test func whoeverMayNotBeServedIsPassedOver() {
        var queue = FairQueue<String, Int>(capacity: 100, perKey: 10)
        _ = queue.append(1, key: "busy", isPreferred: false)
        _ = queue.append(2, key: "free", isPreferred: false)
        #expect(take(&queue) { $0 != "busy" } == 2)
        let passed = queue.next { key, _ in key != "busy" }
        #expect(passed == nil)
        #expect(take(&queue) { _ in true } == 1)
    }

    @Test func bounded() {
        var queue = FairQueue<Int, Int>(capacity: 100, perKey: 10)
        let first = (0..<20).map { queue.append($0, key: 0, isPreferred: false) }
        #expect(first.filter { $0 }.count == 10)
        let more = (1..<200).map { queue.append($0, key: $0, isPreferred: false) }
        #expect(more.filter { $0 }.count == 90)
        // Strangers leave the known their room.
        #expect(queue.append(1, key: 1000, isPreferred: true) == true)
        #expect(queue.count == 101)
    }
}
