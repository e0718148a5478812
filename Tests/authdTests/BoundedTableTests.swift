// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import authd

@Suite struct BoundedTableTests {
    @Test func theOneLeftAloneLongestGoes() {
        var table = BoundedTable<Int, String>(capacity: 3)
        for key in 1...3 { table.set(key, to: "\(key)") }
        table.touch(1)
        table.set(4, to: "4")
        #expect(table[2] == nil)
        #expect([1, 3, 4].map { table[$0] } == ["1", "3", "4"])
        table.update(3, default: "") { $0 += "!" }
        table.set(5, to: "5")
        #expect(table[1] == nil)
        #expect(table[3] == "3!")
    }

    @Test func removalByAge() {
        var table = BoundedTable<Int, Int>(capacity: 10)
        for key in 0..<10 { table.set(key, to: key) }
        table.touch(0)
        table.removeOldest { $0 < 5 }
        #expect(table.count == 6)
        #expect(table[0] == 0 && table[1] == nil && table[5] == 5)
        table.removeOldest { _ in true }
        #expect(table.count == 0)
        table.set(1, to: 1)
        #expect(table[1] == 1)
    }

    /// Against a list that is kept in order the plain way.
    @Test func behavesAsItsModel() {
        var table = BoundedTable<Int, Int>(capacity: 8)
        var model: [(key: Int, value: Int)] = []
        for step in 0..<20_000 {
            let key = Int.random(in: 0..<14)
            switch Int.random(in: 0..<4) {
            case 0:
                table.remove(key)
                model.removeAll { $0.key == key }
            case 1:
                table.touch(key)
                if let place = model.firstIndex(where: { $0.key == key }) {
                    model.append(model.remove(at: place))
                }
            default:
                table.set(key, to: step)
                model.removeAll { $0.key == key }
                if model.count == 8 { model.removeFirst() }
                model.append((key, step))
            }
            #expect(table.count == model.count)
            for other in 0..<14 {
                #expect(table[other] == model.first { $0.key == other }?.value)
            }
        }
    }
}
