// SPDX-License-Identifier: Apache-2.0
import Mail

/// Which entries there are and when each is next to be looked at: a few dozen octets for each.
///
/// Times are milliseconds since 1970-01-01 UTC, because the files tell the calendar's time.
nonisolated struct Agenda: Sendable {
    /// What is being done with an entry.
    private enum State: Equatable, Sendable {
        /// Its time will come.
        case waiting
        /// Claimed, or about to be.
        case atWork
        /// In the line of a destination that has no room for it, or is down; its time is the latest to look again.
        case lined(Int32)
    }

    /// What somebody wants of an entry.
    struct Wish: Equatable, Sendable {
        /// Somebody made or touched it, so that it is tried whatever its file says.
        var isTouched = false
        /// It was known when it was touched, so that it was not just made, and is tried though its destination is set
        /// aside.
        var isAsked = false
        /// When that was, in seconds since 1970.
        var since: UInt32 = 0

        /// Whether an attempt has fulfilled it, that of another process.
        ///
        /// What was just made cannot have been tried before; what was asked for may, in the same second.
        func isFulfilled(by attempt: Int?) -> Bool {
            guard let attempt else { return false }
            return isAsked ? attempt > since : attempt >= since
        }
    }

    private struct Known: Sendable {
        var due: Int
        var state: State
        /// Since it was last at work, or while it is.
        var wish = Wish()
    }

    private struct Item: Sendable {
        let due: Int
        let id: QueueID
    }

    private var known: [QueueID: Known] = [:]
    /// How many entries are in each line.
    private var lines: [Int32: Int] = [:]
    /// A binary heap.
    ///
    /// An item whose time is not the entry's any more is stale, and passed over when its turn comes.
    private var heap: [Item] = []

    /// Entries known.
    var count: Int { known.count }

    /// Whether the entry is known.
    func contains(_ id: QueueID) -> Bool { known[id] != nil }

    /// Adds an entry that was found, unless it is known.
    mutating func learn(_ id: QueueID, due: Int) {
        guard known[id] == nil else { return }
        set(id, Known(due: due, state: .waiting))
    }

    /// Somebody made or touched it: it is due at once, or as soon as who works on it lets go.
    mutating func touch(_ id: QueueID, now: Int) {
        let wish = Wish(isTouched: true, isAsked: known[id] != nil, since: UInt32(now / 1000))
        if let entry = known[id], entry.state == .atWork {
            replace(id, Known(due: entry.due, state: .atWork, wish: wish))
        } else {
            set(id, Known(due: 0, state: .waiting, wish: wish))
        }
    }

    /// Somebody wants all of them tried: each is touched, the oldest first.
    mutating func touchAll(now: Int) {
        let wish = Wish(isTouched: true, isAsked: true, since: UInt32(now / 1000))
        // In place: a loop over the elements would work on a copy of all of them.
        var index = known.startIndex
        while index != known.endIndex {
            let (id, entry) = known[index]
            let state = entry.state == .atWork ? State.atWork : .waiting
            known.values[index] = Known(
                due: Int(id.microseconds / 1000), state: state, wish: wish)
            known.formIndex(after: &index)
        }
        lines = [:]
        rebuild()
    }

    /// When the next entry is due; nil when nothing waits.
    mutating func nextDue() -> Int? {
        dropStale()
        return heap.first?.due
    }

    /// The next entry that is due, with what is wanted of it; it is at work from now on.
    mutating func takeDue(now: Int) -> (id: QueueID, wish: Wish)? {
        dropStale()
        guard let item = heap.first, item.due <= now else { return nil }
        removeFirst()
        guard let entry = known[item.id] else { return nil }
        replace(item.id, Known(due: item.due, state: .atWork))
        return (item.id, entry.wish)
    }

    /// An entry that was at work waits again.
    ///
    /// - Parameters:
    ///   - id: The entry.
    ///   - due: When it is to be looked at; at once if it was touched meanwhile.
    ///   - wish: What was wanted of it and not fulfilled; if it was asked for, it stays so.
    mutating func putBack(_ id: QueueID, due: Int, wish: Wish = Wish()) {
        let new = known[id]?.wish ?? Wish()
        let entry =
            new.isTouched
            ? Known(due: 0, state: .waiting, wish: new)
            : Known(due: due, state: .waiting, wish: wish.isAsked ? wish : Wish())
        set(id, entry)
    }

    /// An entry that was at work gets in a destination's line.
    ///
    /// - Parameters:
    ///   - id: The entry.
    ///   - destination: Whose line it is.
    ///   - latest: When it is to be looked at though its turn has not come.
    ///   - wish: What was wanted of it and not fulfilled; if it was asked for, it stays so.
    mutating func line(_ id: QueueID, at destination: Int32, latest: Int, wish: Wish = Wish()) {
        if known[id]?.wish.isTouched == true { return putBack(id, due: 0) }
        set(
            id,
            Known(
                due: latest, state: .lined(destination), wish: wish.isAsked ? wish : Wish()))
    }

    /// The turn of an entry in a line has come.
    ///
    /// - Returns: What is wanted of it; it is at work from now on. Nil when it is in this line no more.
    mutating func takeFromLine(_ id: QueueID, at destination: Int32) -> Wish? {
        guard let entry = known[id], entry.state == .lined(destination) else { return nil }
        replace(id, Known(due: entry.due, state: .atWork))
        return entry.wish
    }

    /// Whether it is in a destination's line.
    func isLined(_ id: QueueID, at destination: Int32) -> Bool {
        known[id]?.state == .lined(destination)
    }

    /// Entries in a destination's line.
    func count(at destination: Int32) -> Int { lines[destination] ?? 0 }

    /// The entry is no more.
    mutating func forget(_ id: QueueID) {
        replace(id, nil)
    }

    private mutating func replace(_ id: QueueID, _ entry: Known?) {
        let old = known[id]
        known[id] = entry
        if case .lined(let line) = old?.state {
            let left = count(at: line) - 1
            lines[line] = left > 0 ? left : nil
        }
        if case .lined(let line) = entry?.state { lines[line, default: 0] += 1 }
    }

    // MARK: The heap

    private mutating func set(_ id: QueueID, _ entry: Known) {
        replace(id, entry)
        // Stale items are as many as there were changes; now and then they are thrown out together.
        if heap.count > 2 * known.count + 1024 {
            rebuild()
        } else {
            push(Item(due: entry.due, id: id))
        }
    }

    private func isStale(_ item: Item) -> Bool {
        guard let entry = known[item.id] else { return true }
        return entry.due != item.due || entry.state == .atWork
    }

    private mutating func dropStale() {
        while let first = heap.first, isStale(first) { removeFirst() }
    }

    private mutating func rebuild() {
        heap = known.compactMap { id, entry in
            entry.state == .atWork ? nil : Item(due: entry.due, id: id)
        }
        heap.sort { $0.due < $1.due }
    }

    private mutating func push(_ item: Item) {
        heap.append(item)
        var position = heap.count - 1
        while position > 0 {
            let parent = (position - 1) / 2
            guard item.due < heap[parent].due else { break }
            heap[position] = heap[parent]
            position = parent
        }
        heap[position] = item
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        var position = 0
        while true {
            var child = 2 * position + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].due < heap[child].due { child += 1 }
            guard heap[child].due < last.due else { break }
            heap[position] = heap[child]
            position = child
        }
        heap[position] = last
    }
}
