// SPDX-License-Identifier: Apache-2.0
import Common

/// How long what may take, in seconds.
struct Bounds: Sendable {
    /// A worker that lived this long was healthy: its next death is its first.
    var healthy = 10.0
    /// Between the second and the third death; doubled with every further one.
    var firstDelay = 0.2
    var longestDelay = 30.0
    /// A worker that was silent so long has failed the watchdog; it shows life every two seconds.
    var fresh = 10.0
    /// A worker that was silent so long is replaced.
    var silence = 30.0
    /// If time passed unnoticed for so long, the machine stood still.
    var pause = 12.0
    /// All of a new generation must be ready by then.
    var change = 60.0
    /// A worker that retires may finish its sessions for so long.
    var retirement = 600.0
    /// When the service ends: all but authd must be gone by then.
    var stopAuthd = 3.0
    /// And all by then.
    var stop = 4.0
}

/// The workers of one configuration.
struct Generation: Equatable, Sendable {
    /// Where a worker belongs, whether or not one is there.
    struct Place: Equatable, Sendable {
        let slot: Slot
        /// How many in a row did not live long.
        var failures = 0
        /// When the next one is started.
        var due: Deadline?

        /// Notes a death and says in how many seconds the next worker is to start: at once for the first, later
        /// and later for one that keeps dying.
        mutating func delayAfterDeath(age: Double, bounds: Bounds) -> Double {
            failures = age >= bounds.healthy ? 1 : failures + 1
            if failures == 1 { return 0 }
            let doublings = min(failures - 2, 16)
            return min(bounds.longestDelay, bounds.firstDelay * Double(1 << doublings))
        }
    }

    let number: Int
    /// When it was asked for.
    let since: Deadline
    var places: [Slot: Place]

    init(number: Int, slots: [Slot], since: Deadline) {
        self.number = number
        self.since = since
        places = Dictionary(uniqueKeysWithValues: slots.map { ($0, Place(slot: $0)) })
    }

    var dueTimes: [Deadline] { places.values.compactMap(\.due) }

    func duePlaces(at now: Deadline) -> [Place] {
        places.values
            .filter { place in place.due.map { $0 <= now } ?? false }
            .sorted { $0.slot < $1.slot }
    }
}

extension Deadline {
    /// Later than anything.
    static var distantFuture: Self { Self(nanoseconds: .max) }
}
