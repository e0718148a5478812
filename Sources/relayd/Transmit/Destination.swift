// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy

/// A route with what waits for it: how many connections it gets, and whether it is set aside.
///
/// What is claimed waits in `ready`; when there is much, entries are let go of and only their ids wait, in `parked`.
final class Destination {
    /// Names it in the agenda.
    let index: Int32
    let route: Route
    var pace: Pace
    /// Couriers at work.
    private(set) var couriers = 0
    /// Connections that wait for a next message.
    var idle: [RemoteConnection] = []
    /// Transactions in a row that ended with the connection and without success.
    var losses = 0
    /// When the next transaction may begin, for a destination that was told to be slow.
    var nextStart = Deadline.now

    private unowned let transmit: Transmit
    private var ready = FairLine<Parcel>()
    private var parked = FairLine<QueueID>()
    /// Parked entries that are being claimed.
    private var pulled = 0
    /// Failures in a row to get any connection; more than 0 while it is down.
    private(set) var failures = 0
    private(set) var trouble: Outcome?
    private var asideUntil: Deadline?
    private var asideSince = Deadline.now
    /// When a connection last did something useful.
    private var lastSuccess: Deadline?

    init(_ route: Route, index: Int32, _ transmit: Transmit) {
        self.route = route
        self.index = index
        self.transmit = transmit
        pace = Pace(most: transmit.slice.settings.maxConnectionsPerDestination)
    }

    // MARK: What waits

    /// Nothing is tried now.
    var isAside: Bool { asideUntil.map { $0 > .now } ?? false }

    /// Whether another claimed entry may wait.
    var hasRoom: Bool { room > 0 }

    /// Claimed entries more that may wait; what is down gets one to try, others a share of what is free.
    private var room: Int {
        let waiting = ready.count + pulled
        if failures > 0 { return waiting + couriers == 0 ? 1 : 0 }
        return mostWaiting - waiting
    }

    private var mostWaiting: Int {
        max(2 * pace.connections, min(transmit.freeJobs / 4, Self.stock))
    }

    /// Claimed entries that wait for a destination with connections at work: enough for where a claim takes long, as on a
    /// shared file system.
    nonisolated private static let stock = 200

    /// Nothing is left to remember it for.
    var isForgettable: Bool {
        guard couriers == 0, ready.isEmpty, parked.isEmpty, pulled == 0, idle.isEmpty else {
            return false
        }
        return asideUntil.map { Deadline.now.seconds(since: $0) > Self.memory } ?? true
    }

    /// Seconds for which it is remembered that a destination was down, and how often.
    nonisolated private static let memory = 3600.0

    /// A parcel waits for its turn.
    func add(_ parcel: Parcel) {
        ready.append(parcel, of: parcel.job.lane)
        staff()
    }

    /// A parcel is to be tried again, first of all.
    func putBack(_ parcel: Parcel) {
        ready.putBack(parcel, of: parcel.job.lane)
    }

    /// An entry that was let go of waits for its turn.
    func park(_ id: QueueID, lane: UInt64) {
        parked.append(id, of: lane)
        // Those that were touched while they waited here are let go of again, and would be here twice and more often.
        guard parked.count > 2 * transmit.agenda.count(at: index) + 1024 else { return }
        var seen: Set<QueueID> = []
        parked.keep { seen.insert($0).inserted && transmit.agenda.isLined($0, at: index) }
    }

    /// The next parcel for a courier; nil when it should end.
    func next() -> Parcel? {
        guard !transmit.isStopping, !isAside, couriers <= connectionsNow else { return nil }
        defer { refill() }
        return ready.take()
    }

    /// Everything that waits in `ready`, when it cannot be sent from here.
    func takeAll() -> [Parcel] {
        var all: [Parcel] = []
        while let parcel = ready.take() { all.append(parcel) }
        return all
    }

    /// The connections that wait for messages, to be closed.
    func takeIdle() -> [RemoteConnection] {
        defer { idle = [] }
        return idle
    }

    private var connectionsNow: Int { failures > 0 ? 1 : pace.connections }

    /// Starts couriers for what waits.
    func staff() {
        while couriers < connectionsNow, !ready.isEmpty, !isAside, !transmit.isStopping {
            let connection = idle.popLast()
            guard connection != nil || transmit.mayConnect(for: self), let parcel = ready.take()
            else { return }
            couriers += 1
            Task {
                await Courier(self, transmit, connection).run(parcel)
                couriers -= 1
                refill()
                staff()
                transmit.courierEnded(at: self)
            }
        }
    }

    /// Claims parked entries as there is room, some at a time.
    func refill() {
        guard failures > 0 || room >= min(mostWaiting / 2, 2 * Transmit.handful) else { return }
        var due: [DueEntry] = []
        while !parked.isEmpty, !isAside, hasRoom, !transmit.isStopping {
            guard transmit.mayClaim(for: self), let id = parked.take() else { break }
            guard let wish = transmit.agenda.takeFromLine(id, at: index) else { continue }
            pulled += 1
            transmit.reserve()
            due.append(DueEntry(id: id, wish: wish, line: self))
        }
        transmit.start(due)
    }

    /// An entry out of `parked` was claimed, or could not be; it needs the room that was kept for it.
    func pulledIn() { pulled -= 1 }

    // MARK: How it goes

    /// Seconds for which nobody's wish shortens the time that a destination was just set aside for: a queue that is
    /// flushed is a wish for each of its entries, and one attempt answers them all.
    nonisolated private static let obstinacy = 1.0

    /// Somebody wants its mail tried now: it is no longer set aside, and one entry finds out whether it is up.
    func reconsider() {
        guard isAside, Deadline.now.seconds(since: asideSince) > Self.obstinacy else { return }
        asideUntil = nil
        // What comes of a wish does not make the next wait longer.
        failures = max(1, failures - 1)
        Log.write(.info, "relay.destination-asked", ["destination": route])
        refill()
        staff()
    }

    /// The server has talked to us about a message.
    func worked() {
        losses = 0
        lastSuccess = .now
        guard failures > 0 else { return }
        failures = 0
        trouble = nil
        asideUntil = nil
        Log.write(.notice, "relay.destination-up", ["destination": route])
        refill()
        staff()
    }

    /// Whether it works but for one connection more.
    var worksOtherwise: Bool {
        guard couriers > 1, let lastSuccess else { return false }
        return Deadline.now.seconds(since: lastSuccess) < 60
    }

    /// No connection could be had: nothing is tried for a time that grows.
    func setAside(_ outcome: Outcome) {
        if failures == 0 { pace = Pace(most: pace.most) }
        failures += 1
        trouble = outcome
        let seconds = min(transmit.delay(after: failures), 3600)
        let until = Deadline.seconds(seconds)
        asideUntil = until
        asideSince = .now
        Log.write(
            failures == 1 ? .warning : .info, "relay.destination-down",
            [
                "destination": route, "failures": failures, "retryAfter": Int(seconds),
                "status": outcome.status, "reason": outcome.text,
            ])
        Task {
            await sleep(until: until)
            refill()
            staff()
        }
    }
}
