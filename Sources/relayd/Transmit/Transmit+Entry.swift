// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy

/// The way of one entry: claimed, sorted into parcels, settled.
extension Transmit {
    /// Sends an entry that was claimed on its way.
    func admit(
        _ id: QueueID, _ claimed: Result<RelayQueue.Claimed, SystemError>, isTouched: Bool,
        isAsked: Bool
    ) {
        note(claimed, of: id)
        switch claimed {
        case .success(.claimed(let claim, let entry)):
            if isStopping {
                agenda.putBack(id, due: 0)
            } else if !isTouched, entry.next > WallClock.seconds {
                // Another relayd has tried it meanwhile, or somebody has edited it.
                agenda.putBack(id, due: entry.next * 1000)
            } else {
                // Counted until it is settled.
                return begin(Job(claim, entry, isAsked: isAsked))
            }
        case .success(.busy): agenda.putBack(id, due: Self.milliseconds + Self.patience(with: id))
        case .success(.gone), .success(.corrupt): agenda.forget(id)
        case .failure:
            // One entry's own trouble lasts. That of the whole may be over with the next attempt, and until then none is
            // made; behind all others that are due, so that it is not always the same one that finds out.
            let pause = reading.error == nil ? Self.patienceWithDisk(for: id) : 0
            agenda.putBack(id, due: Self.milliseconds + pause)
        }
        jobEnded()
    }

    /// How the storage fares, as a claim shows.
    private func note(_ claimed: Result<RelayQueue.Claimed, SystemError>, of id: QueueID) {
        switch claimed {
        case .success(.claimed), .success(.busy): reading.succeeded()
        case .success(.gone), .success(.corrupt): break
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

    /// Until an entry is looked at again that the own disk does not give out, in milliseconds.
    nonisolated private static let localTroublePause = 60_000

    /// The same for an entry whose trouble is its own: more and more seldom, an hour at most.
    nonisolated private static func patienceWithDisk(for id: QueueID) -> Int {
        let age = milliseconds - Int(id.microseconds / 1000)
        return min(max(age / 4, localTroublePause), 3_600_000)
    }

    /// How long to wait for whoever holds an entry, in milliseconds: its writer is done in a moment, another relayd
    /// perhaps in minutes.
    nonisolated private static func patience(with id: QueueID) -> Int {
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
        if job.isAsked {
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

    // MARK: Outcomes

    /// A parcel was not attempted.
    func skip(_ parcel: Parcel, because destination: Destination) {
        parcel.job.obstacle = destination
        partDone(parcel.job)
    }

    /// A parcel was not attempted, because somebody has taken its entry from us.
    func lose(_ parcel: Parcel) {
        noteLost(parcel.job)
        partDone(parcel.job)
    }

    /// A parcel was not attempted, because its message cannot be read.
    func setBack(_ parcel: Parcel, because error: SystemError) {
        reading.failed(error, waiting: agenda.count)
        if restraint.admits("relay.unreadable", because: error.reason) {
            Log.write(.error, "relay.unreadable", ["id": parcel.job.id, "error": error])
        }
        parcel.job.setBackUntil = Self.milliseconds + Self.localTroublePause
        partDone(parcel.job)
    }

    /// Somebody else has the entry now; soon there is more to be known.
    func noteLost(_ job: Job) {
        Log.write(
            .notice, "relay.claim-lost",
            ["id": job.id, "hint": "somebody has moved it, or another host goes on with it"])
        job.setBackUntil = Self.milliseconds + Self.patience(with: job.id)
    }

    /// A parcel was attempted.
    func finish(_ parcel: Parcel, _ records: [(MailAddress, DeliveryRecord)]) {
        note(parcel.job, records)
        writeFinal(of: parcel.job)
        partDone(parcel.job)
    }

    /// Writes down what is final while other parcels are on their way, perhaps for long: if we are killed meanwhile, it is
    /// not sent again.
    private func writeFinal(of job: Job) {
        guard job.parcels > 1, !job.isWriting else { return }
        let final = job.records.filter { $0.1.outcome.result != .temporary }
        guard !final.isEmpty else { return }
        job.records.removeAll { $0.1.outcome.result != .temporary }
        job.isWriting = true
        job.parcels += 1
        Task.immediate {
            let event = RelayEvent.attempted(time: WallClock.seconds, final)
            if await record([event], of: job) {
                job.wrote(event, final)
            } else {
                job.records += final
            }
            job.isWriting = false
            // What has come to it since.
            writeFinal(of: job)
            partDone(job)
        }
    }

    private func note(_ job: Job, _ records: [(MailAddress, DeliveryRecord)]) {
        job.records += records
        for (address, record) in records {
            record.outcome.result.counter.add()
            log(job, address, record)
        }
    }

    private func partDone(_ job: Job) {
        job.parcels -= 1
        guard job.parcels == 0 else { return }
        // At once, not after all else that waits for this thread: what was sent must not lie there if we are killed.
        Task.immediate {
            await settle(job)
            jobEnded()
        }
    }

    private func log(_ job: Job, _ address: MailAddress, _ record: DeliveryRecord) {
        let outcome = record.outcome
        let event =
            switch outcome.result {
            case .accepted: "relay.sent"
            case .temporary: "relay.deferred"
            case .permanent: "relay.refused"
            }
        Log.write(
            outcome.result == .permanent ? .notice : .info, event,
            [
                "id": job.id, "from": job.entry.envelope.envelope.sender, "to": address,
                "host": record.host, "tls": record.tls, "stage": outcome.stage.rawValue,
                "status": outcome.status, "reply": outcome.text, "cause": record.cause,
                "seconds": Deliver.seconds(since: job.id.microseconds),
            ])
        guard outcome.mayBeDuplicate else { return }
        Log.write(
            .warning, "relay.unanswered",
            [
                "id": job.id, "to": address, "host": record.host,
                "hint": "the message was sent to its end and not answered: it may arrive twice",
            ])
    }
}

extension Outcome.Result {
    /// What `wmail status` counts it as.
    fileprivate var counter: Counter {
        switch self {
        case .accepted: .sent
        case .temporary: .deferred
        case .permanent: .bounced
        }
    }
}
