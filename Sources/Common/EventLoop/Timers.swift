// SPDX-License-Identifier: Apache-2.0

/// Something to do at a time; moving it later costs nothing.
@MainActor
final class Timer {
    fileprivate let action: () -> Void
    /// When to act; nil when it is not set.
    fileprivate var deadline: Deadline?
    /// Where it lies in the heap; the heap's key may be earlier than `deadline`.
    fileprivate var position: Int?

    init(_ action: @escaping () -> Void) {
        self.action = action
    }
}

/// The timers that are set, as a binary heap.
///
/// A timer that is moved later stays where it is and is moved when its old time comes: a connection renews its
/// timeout at every read, and nearly no timeout ever fires.
@MainActor
final class Timers {
    private struct Entry {
        var key: Deadline
        let timer: Timer
    }
    private var heap: [Entry] = []

    /// Sets the timer, or moves it.
    func set(_ timer: Timer, to deadline: Deadline) {
        timer.deadline = deadline
        guard let position = timer.position else {
            heap.append(Entry(key: deadline, timer: timer))
            timer.position = heap.count - 1
            siftUp(heap.count - 1)
            return
        }
        if deadline < heap[position].key {
            heap[position].key = deadline
            siftUp(position)
        }
    }

    /// The timer will not act; it stays in the heap, to be set again cheaply.
    func clear(_ timer: Timer) {
        timer.deadline = nil
    }

    /// Forgets the timer altogether.
    func remove(_ timer: Timer) {
        timer.deadline = nil
        guard let position = timer.position else { return }
        timer.position = nil
        let last = heap.removeLast()
        guard position < heap.count else { return }
        place(last, at: position)
        siftUp(position)
        siftDown(last.timer.position ?? position)
    }

    /// For epoll_wait: -1 when nothing is set.
    func millisecondsToNext() -> Int32 {
        guard let first = heap.first else { return -1 }
        let now = Deadline.now
        guard now < first.key else { return 0 }
        let milliseconds = (first.key.nanoseconds - now.nanoseconds + 999_999) / 1_000_000
        return Int32(min(milliseconds, 3_600_000))
    }

    /// Acts on all that is due.
    func fire() {
        guard let first = heap.first else { return }
        let now = Deadline.now
        guard first.key <= now else { return }
        while let entry = heap.first, entry.key <= now {
            let timer = entry.timer
            guard let deadline = timer.deadline else {
                remove(timer)
                continue
            }
            if now < deadline {
                heap[0].key = deadline
                siftDown(0)
            } else {
                remove(timer)
                timer.action()
            }
        }
    }

    private func place(_ entry: Entry, at position: Int) {
        heap[position] = entry
        entry.timer.position = position
    }

    private func siftUp(_ start: Int) {
        var position = start
        let entry = heap[position]
        while position > 0 {
            let parent = (position - 1) / 2
            guard entry.key < heap[parent].key else { break }
            place(heap[parent], at: position)
            position = parent
        }
        place(entry, at: position)
    }

    private func siftDown(_ start: Int) {
        var position = start
        let entry = heap[position]
        while true {
            var child = 2 * position + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].key < heap[child].key { child += 1 }
            guard heap[child].key < entry.key else { break }
            place(heap[child], at: position)
            position = child
        }
        place(entry, at: position)
    }
}
