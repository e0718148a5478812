// SPDX-License-Identifier: Apache-2.0

/// Who waits for one of a few places: by turns between keys, in order within one.
///
/// Preferred waiters go before all others. Both kinds are bounded, in all and per key, so that a flood
/// neither fills the memory nor pushes others out.
nonisolated struct FairQueue<Key: Hashable & Sendable, Element> {
    private struct Lane {
        var waiting: [Key: [Element]] = [:]
        /// The keys that have something waiting, the next to be served first.
        var turns: [Key] = []
        var count = 0
    }

    private let capacity: Int
    private let capacityPerKey: Int
    private var preferred = Lane()
    private var others = Lane()

    init(capacity: Int, perKey: Int) {
        self.capacity = capacity
        capacityPerKey = perKey
    }

    var count: Int { preferred.count + others.count }

    /// Puts an element in its place.
    ///
    /// - Returns: Whether there was room.
    mutating func append(_ element: Element, key: Key, isPreferred: Bool) -> Bool {
        isPreferred ? append(element, key, to: &preferred) : append(element, key, to: &others)
    }

    /// Takes out the next element that may be served now, by its key and whether it is preferred.
    mutating func next(
        where mayServe: (Key, _ isPreferred: Bool) -> Bool
    ) -> (key: Key, element: Element)? {
        take(from: &preferred) { mayServe($0, true) } ?? take(from: &others) { mayServe($0, false) }
    }

    private func append(_ element: Element, _ key: Key, to lane: inout Lane) -> Bool {
        let ofKey = lane.waiting[key]?.count ?? 0
        guard lane.count < capacity, ofKey < capacityPerKey else { return false }
        if ofKey == 0 { lane.turns.append(key) }
        lane.waiting[key, default: []].append(element)
        lane.count += 1
        return true
    }

    private func take(
        from lane: inout Lane, _ mayServe: (Key) -> Bool
    ) -> (key: Key, element: Element)? {
        guard let place = lane.turns.firstIndex(where: mayServe) else { return nil }
        let key = lane.turns.remove(at: place)
        guard var list = lane.waiting.removeValue(forKey: key) else { return nil }
        let element = list.removeFirst()
        lane.count -= 1
        if !list.isEmpty {
            lane.waiting[key] = list
            lane.turns.append(key)
        }
        return (key, element)
    }
}
