// SPDX-License-Identifier: Apache-2.0

/// What waits for one destination, a lane for each sender: they take turns, so that whoever sends much waits for
/// itself.
nonisolated struct FairLine<Element: Sendable>: Sendable {
    private struct Lane: Sendable {
        var elements: [Element] = []
        var next = 0
    }

    private var lanes: [UInt64: Lane] = [:]
    /// The lanes that have something, in the order of their turns.
    private var turns: [UInt64] = []
    private var nextTurn = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Puts an element at the end of its sender's lane.
    mutating func append(_ element: Element, of sender: UInt64) {
        if lanes[sender] == nil { turns.append(sender) }
        lanes[sender, default: Lane()].elements.append(element)
        count += 1
    }

    /// Puts an element back at the front of its sender's lane.
    mutating func putBack(_ element: Element, of sender: UInt64) {
        guard var lane = lanes.removeValue(forKey: sender) else {
            return append(element, of: sender)
        }
        if lane.next > 0 {
            lane.next -= 1
            lane.elements[lane.next] = element
        } else {
            lane.elements.insert(element, at: 0)
        }
        lanes[sender] = lane
        count += 1
    }

    /// Keeps only some elements, in their order.
    mutating func keep(where isKept: (Element) -> Bool) {
        count = 0
        for sender in turns[nextTurn...] {
            guard var lane = lanes.removeValue(forKey: sender) else { continue }
            lane.elements = lane.elements[lane.next...].filter(isKept)
            lane.next = 0
            count += lane.elements.count
            if !lane.elements.isEmpty { lanes[sender] = lane }
        }
        turns = turns[nextTurn...].filter { lanes[$0] != nil }
        nextTurn = 0
    }

    /// Takes the first element of the lane whose turn it is.
    mutating func take() -> Element? {
        guard nextTurn < turns.count else { return nil }
        let sender = turns[nextTurn]
        nextTurn += 1
        guard var lane = lanes.removeValue(forKey: sender) else { return take() }
        let element = lane.elements[lane.next]
        lane.next += 1
        count -= 1
        if lane.next < lane.elements.count {
            // Taken elements are let go of before they are half of the lane.
            if lane.next > 64, lane.next * 2 > lane.elements.count {
                lane.elements.removeFirst(lane.next)
                lane.next = 0
            }
            lanes[sender] = lane
            turns.append(sender)
        }
        if nextTurn > 64, nextTurn * 2 > turns.count {
            turns.removeFirst(nextTurn)
            nextTurn = 0
        }
        return element
    }
}
