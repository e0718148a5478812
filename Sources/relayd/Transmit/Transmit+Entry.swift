// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy

/// The way of one entry: claimed, sorted into parcels, settled.
extension Transmit {
    /// Sends an entry that was claimed on its way.
    func admit(_ due: DueEntry, _ claimed: Result<RelayQueue.Claimed, SystemError>) {
        let id = due.id
        note(claimed, of: id)
        switch claimed {
        case .success(.damaged(let reason)): suspect(id, because: reason)
        case .success(.claimed), .success(.gone), .success(.corrupt): suspects[id] = nil
        case .success(.busy), .failure: break
        }
        switch claimed {
        case .success(.claimed(let claim, let entry)):
            if isStopping {
                agenda.putBack(id, due: 0)
            } else if entry.next > WallClock.seconds, !isWanted(entry, due.wish) {
                // Another relayd has tried it meanwhile, or somebody has edited it.
                agenda.putBack(id, due: entry.next * 1000)
            } else {
                // Counted until it is settled.
                return begin(Job(claim, entry, due.wish))
            }
        case .success(.busy):
            agenda.putBack(id, due: Self.milliseconds + Self.patience(with: id), wish: due.wish)
        case .success(.damaged): agenda.putBack(id, due: Self.milliseconds + Self.mendingTime)
        case .success(.gone), .success(.corrupt): agenda.forget(id)
        case .failure:
            // One entry's own trouble lasts. That of the whole may be over with the next attempt, and until then none is
            // made; behind all others that are due, so that it is not always the same one that finds out.
            let pause = reading.error == nil ? Self.patienceWithDisk(for: id) : 0
            agenda.putBack(id, due: Self.milliseconds + pause, wish: due.wish)
        }
        jobEnded()
    }

    /// Whether somebody wants it tried though its time has not come, and nobody else has tried it since.
    private func isWanted(_ entry: RelayEntry, _ wish: Agenda.Wish) -> Bool {
        wish.isTouched && !wish.isFulfilled(by: entry.recipients.compactMap(\.lastAttempt).max())
    }

    /// How the storage fares, as a claim shows.
    private func note(_ claimed: Result<RelayQueue.Claimed, SystemError>, of id: QueueID) {
        switch claimed {
        case .success(.claimed), .success(.busy): reading.succeeded()
        case .success(.damaged), .success(.gone), .success(.corrupt): break
        case .failure(let error):
            isScanTrouble = false
            reading.failed(error, waiting: agenda.count)
            // What all entries meet is told of once for all.
            guard reading.error == nil,
                restraint.admits("relay.claim-failed", because: error.reason)
            else { return }
            Log.write(.error, "relay.claim-failed", ["id": id, "error": error])
        }
    }

    /// How long what looks damaged is left where it is, in milliseconds: somebody may be copying it there, or a shared
    /// file system healing it.
    nonisolated private static let mendingTime = 60_000
    /// More entries than this are not spared at a time.
    nonisolated private static let mostSuspects = 1000

    /// How long it is left there whatever is done to it, in seconds: a copy is changed several times while it is made.
    nonisolated private static let copyingTime = 1.0

    /// Whether an entry is left where it is if it is found damaged: the first time.
    func isSpared(_ id: QueueID) -> Bool {
        guard let since = suspects[id] else { return suspects.count < Self.mostSuspects }
        return Deadline.now.seconds(since: since) < Self.copyingTime
    }

    private func suspect(_ id: QueueID, because reason: String) {
        if suspects[id] != nil { return }
        suspects[id] = .now
        Log.write(
            .notice, "queue.suspect",
            [
                "id": id, "reason": reason,
                "hint": "looked at again in a minute, or when it is touched",
            ])
    }

    /// Until an entry is looked at again that the own disk does not give out, in milliseconds.
    nonisolated static let localTroublePause = 60_000

    /// The same for an entry whose trouble is its own: more and more seldom, an hour at most.
    nonisolated private static func patienceWithDisk(for id: QueueID) -> Int {
        let age = milliseconds - Int(id.microseconds / 1000)
        return min(max(age / 4, localTroublePause), 3_600_000)
    }

    /// How long to wait for whoever holds an entry, in milliseconds: its writer is done in a moment, another relayd
    /// perhaps in minutes.
    nonisolated static func patience(with id: QueueID) -> Int {
        let age = milliseconds - Int(id.microseconds / 1000)
        return min(max(age / 2, 5), 15_000)
    }

    /// Sends an entry, or holds it where its account has fallen into disrepute.
    private func begin(_ job: Job) {
        guard let login = job.entry.envelope.login,
            breaker.holds(job.id, of: login, now: WallClock.seconds)
        else { return dispatch(job) }
        Task {
            await hold(job, of: login)
            jobEnded()
        }
    }

    // MARK: Sorting

    private func dispatch(_ job: Job) {
        job.parcels += 1
        let items = sort(job)
        if job.wish.isAsked {
            for route in Set(items.flatMap(\.routes)) { destination(of: route).reconsider() }
        }
        var judged: [ArraySlice<Route>: Destination?] = [:]
        for item in items where judged[item.routes] == nil {
            judged[item.routes] = .some(obstacle(on: item.routes))
        }
        let obstacles = judged.values.compactMap(\.self)
        if items.isEmpty || obstacles.count < judged.count {
            send(items, of: job)
        } else {
            // Better one that will have room soon than one that is down.
            job.obstacle = obstacles.first { !$0.isAside } ?? obstacles.first
        }
        partDone(job)
    }

    /// The recipients that are left, with their routes; those without any get their outcome.
    private func sort(_ job: Job) -> [Parcel.Item] {
        let envelope = job.entry.envelope
        var known: [Domain: Routing] = [:]
        var items: [Parcel.Item] = []
        for recipient in job.entry.pending {
            let domain = recipient.address.domain
            let routing =
                known[domain]
                ?? policy.routing(to: domain, from: envelope.envelope.sender, ways: envelope.ways)
            known[domain] = routing
            switch routing {
            case .none(let outcome):
                note(job, [(recipient.address, DeliveryRecord(outcome))])
            case .routes(let routes):
                items.append(Parcel.Item(recipient: recipient, routes: routes[...]))
            }
        }
        return items
    }

    /// The destination that has no room, or is down as are all others; nil when mail can go.
    private func obstacle(on routes: ArraySlice<Route>) -> Destination? {
        for route in routes {
            let destination = destination(of: route)
            if destination.isAside { continue }
            return destination.hasRoom ? nil : destination
        }
        return routes.first.map(destination(of:))
    }

    /// Makes a parcel for each route: for each recipient the first that is not set aside.
    func send(_ items: [Parcel.Item], of job: Job) {
        var groups: [Route: [Parcel.Item]] = [:]
        for item in items {
            let routes = item.routes.drop { destination(of: $0).isAside }
            if let route = routes.first {
                groups[route, default: []].append(
                    Parcel.Item(recipient: item.recipient, routes: routes))
            } else {
                job.obstacle = item.routes.last.map(destination(of:))
            }
        }
        for (route, items) in groups {
            job.parcels += 1
            destination(of: route).add(Parcel(job, items))
        }
    }

    /// Other routes for a parcel whose destination was set aside while it waited; else its time comes later.
    func divert(_ parcel: Parcel, from destination: Destination) {
        send(parcel.detours, of: parcel.job)
        if parcel.stranded.isEmpty {
            partDone(parcel.job)
        } else {
            skip(parcel, because: destination)
        }
    }
}
