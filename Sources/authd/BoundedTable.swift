// SPDX-License-Identifier: Apache-2.0

/// A dictionary that never holds more than its capacity: the entry that was left alone longest goes first.
nonisolated struct BoundedTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Node {
        let key: Key
        var value: Value
        /// Index of the neighbour that was touched later; -1 for none.
        var newer: Int
        /// Index of the neighbour that was touched earlier; -1 for none.
        var older: Int
    }

    private let capacity: Int
    private var places: [Key: Int] = [:]
    private var nodes: [Node] = []
    private var newest = -1
    private var oldest = -1

    init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    var count: Int { places.count }

    /// The value, without touching the entry.
    subscript(key: Key) -> Value? {
        places[key].map { nodes[$0].value }
    }

    /// All entries, in no particular order.
    var entries: [(key: Key, value: Value)] { nodes.map { ($0.key, $0.value) } }

    /// Changes the entry, made from `initial` if it is not there, and touches it.
    mutating func update<Result>(
        _ key: Key, default initial: @autoclosure () -> Value, _ body: (inout Value) -> Result
    ) -> Result {
        let place: Int
        if let known = places[key] {
            place = known
            unlink(place)
        } else {
            if places.count == capacity { removeOldest() }
            place = nodes.count
            nodes.append(Node(key: key, value: initial(), newer: -1, older: -1))
            places[key] = place
        }
        linkAsNewest(place)
        return body(&nodes[place].value)
    }

    /// Sets the entry and touches it.
    mutating func set(_ key: Key, to value: Value) {
        update(key, default: value) { $0 = value }
    }

    /// Touches the entry, if it is there.
    mutating func touch(_ key: Key) {
        guard let place = places[key] else { return }
        unlink(place)
        linkAsNewest(place)
    }

    /// Forgets the entry.
    mutating func remove(_ key: Key) {
        guard let place = places[key] else { return }
        remove(at: place)
    }

    /// Forgets entries from the one left alone longest on, until one is still wanted.
    mutating func removeOldest(while isOver: (Value) -> Bool) {
        while oldest >= 0, isOver(nodes[oldest].value) { removeOldest() }
    }

    private mutating func removeOldest() {
        if oldest >= 0 { remove(at: oldest) }
    }

    /// The last node moves into the gap, so the storage stays dense.
    private mutating func remove(at place: Int) {
        unlink(place)
        places[nodes[place].key] = nil
        let last = nodes.removeLast()
        if place < nodes.count {
            nodes[place] = last
            places[last.key] = place
            if last.newer >= 0 { nodes[last.newer].older = place } else { newest = place }
            if last.older >= 0 { nodes[last.older].newer = place } else { oldest = place }
        }
        // After an attack the memory is given back.
        if places.isEmpty {
            places = [:]
            nodes = []
        }
    }

    private mutating func unlink(_ place: Int) {
        let (newer, older) = (nodes[place].newer, nodes[place].older)
        if newer >= 0 { nodes[newer].older = older } else { newest = older }
        if older >= 0 { nodes[older].newer = newer } else { oldest = newer }
        nodes[place].newer = -1
        nodes[place].older = -1
    }

    private mutating func linkAsNewest(_ place: Int) {
        nodes[place].older = newest
        nodes[place].newer = -1
        if newest >= 0 { nodes[newest].newer = place } else { oldest = place }
        newest = place
    }
}
