// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// The end of an attempt: what is written, reported and removed; docs/queue.md §8.
extension Transmit {
    /// Settles an entry, or lets go of it until its time comes again.
    func settle(_ job: Job) async {
        let now = WallClock.seconds
        let isUntouched = job.records.isEmpty && job.written.isEmpty
        if isUntouched, let time = job.setBackUntil,
            now < Settlement.deadline(of: job.entry, schedule)
        {
            return agenda.putBack(job.id, due: time, wish: job.wish)
        }
        if isUntouched, let obstacle = job.obstacle,
            now < Settlement.deadline(of: job.entry, schedule)
        {
            return letGo(job, obstacle)
        }
        judge(job, at: now)
        let settlement = Settlement(
            of: job.entry, job.records, now: now, schedule: schedule,
            reportsSuccess: slice.settings.deliveryReports, using: &generator)
        for case .expired(_, let addresses) in settlement.events {
            for address in addresses {
                Log.write(
                    .notice, "relay.expired",
                    ["id": job.id, "from": job.entry.envelope.envelope.sender, "to": address])
            }
        }
        guard await carryOut(settlement, job) else {
            // Whoever goes on finds the entry as far as it was written.
            return agenda.putBack(job.id, due: job.setBackUntil ?? 0)
        }
        if let next = settlement.next {
            agenda.putBack(job.id, due: next * 1000)
        } else {
            agenda.forget(job.id)
        }
    }

    /// Each step is durable before the next.
    ///
    /// - Returns: False when the worker stops in the middle of it, or the entry is not ours any more.
    private func carryOut(_ settlement: Settlement, _ job: Job) async -> Bool {
        if settlement.reports.isEmpty {
            // All in one write and one flush; or none at all, when everybody has it.
            if settlement.isFinal { return await remove(job) }
            return await record(settlement.events + settlement.closing, of: job)
        }
        guard await record(settlement.events, of: job) else { return false }
        for report in settlement.reports {
            guard await post(report, about: job) else { return false }
        }
        if settlement.isFinal { return await remove(job) }
        return await record(settlement.closing, of: job)
    }

    /// Nothing was attempted: nothing is written, and only the id waits for its destination.
    private func letGo(_ job: Job, _ obstacle: Destination) {
        if isStopping { return agenda.putBack(job.id, due: 0) }
        let latest = Settlement.deadline(of: job.entry, schedule)
        agenda.line(job.id, at: obstacle.index, latest: latest * 1000, wish: job.wish)
        obstacle.park(job.id, lane: job.lane)
        Task {
            // The claim has ended when this runs.
            obstacle.refill()
        }
    }

    // MARK: Reports

    /// Commits a report; as long as that fails the entry is held, so that nothing is lost.
    private func post(_ report: Settlement.DueReport, about job: Job) async -> Bool {
        var pause = 1.0
        while true {
            do throws(QueueError) {
                let id = try await reports.commit(report, on: job.entry, job.claim)
                writing.succeeded()
                Log.write(
                    .info, "relay.reported",
                    [
                        "id": job.id, "kind": report.kind.rawValue,
                        "report": id?.description ?? "", "to": job.entry.envelope.envelope.sender,
                        "recipients": report.recipients.count,
                    ])
                return true
            } catch {
                if let error = error.systemError { writing.failed(error, waiting: jobs) }
                if restraint.admits("relay.report-failed", because: error.reason) {
                    Log.write(.error, "relay.report-failed", ["id": job.id, "error": error])
                }
            }
            if isStopping { return false }
            await sleep(until: .seconds(pause))
            pause = min(pause * 2, 60)
        }
    }

    // MARK: Accounts in disrepute

    /// Remembers how an account's recipients took its mail.
    private func judge(_ job: Job, at now: Int) {
        guard let login = job.entry.envelope.login else { return }
        if let refused = breaker.count((job.written + job.records).map(\.1), of: login, now: now) {
            Log.write(
                .warning, "relay.account-held",
                [
                    "login": login, "refused": refused, "seconds": CircuitBreaker.window,
                    "hint":
                        "most recipients refuse its mail: look whether the password is stolen; what waits is"
                        + " moved to queue/hold, and goes on when it is put back",
                ])
        }
    }

    /// Moves an entry to `queue/hold`.
    func hold(_ job: Job, of login: AccountName) async {
        let (relay, claim) = (relay, job.claim)
        let isHeld = await persistently("relay.hold-failed", job) { () throws(SystemError) in
            try await pool.run { () throws(SystemError) in try relay.hold(claim) }
        }
        guard isHeld else { return agenda.putBack(job.id, due: job.setBackUntil ?? 0) }
        agenda.forget(job.id)
        Log.write(.notice, "relay.held", ["id": job.id, "login": login])
    }

    // MARK: The disk

    /// Appends events, as often as it takes: what is not remembered would be sent again.
    func record(_ events: [RelayEvent], of job: Job) async -> Bool {
        if events.isEmpty { return true }
        let claim = job.claim
        let isWritten = atOnce { () throws(SystemError) in
            try claim.record(events, isDurable: false)
        }
        tell(job)
        if isWritten {
            do throws(SystemError) {
                try await flushing.run { () throws(SystemError) in try claim.synchronize() }
                writing.succeeded()
                return true
            } catch {
                // A second flush would not show that the first one failed: all is written again.
                writing.failed(error, waiting: jobs)
            }
        }
        return await persistently("relay.record-failed", job) { () throws(SystemError) in
            try await flushing.run { () throws(SystemError) in try claim.record(events) }
        }
    }

    private func remove(_ job: Job) async -> Bool {
        let claim = job.claim
        let isGone = atOnce { () throws(SystemError) in try claim.removeEnvelope() }
        // Before the rest, which tells those who look that there was such an entry.
        tell(job)
        if isGone, closings.hasRoom,
            atOnce({ () throws(SystemError) in try claim.removeHeldMessage() })
        {
            writing.succeeded()
            closings.add(claim)
            return true
        }
        removals.begin()
        defer { removals.end() }
        return await persistently("relay.remove-failed", job) { () throws(SystemError) in
            try await pool.run { () throws(SystemError) in try claim.settle() }
        }
    }

    /// Does here and now what makes that the entry is not sent again, if the disk is quick.
    ///
    /// - Returns: Whether it is done; otherwise it is for a thread to do, and to tell of trouble.
    private func atOnce(_ work: () throws(SystemError) -> Void) -> Bool {
        let start = Deadline.now
        guard relay.isLocal, writing.error == nil, promptness.isGiven(now: start) else {
            return false
        }
        defer { promptness.heed(from: start) }
        do throws(SystemError) {
            try work()
            return true
        } catch {
            return false
        }
    }

    /// Waits while more entries are being removed than there are connections.
    func removalsInHand() async {
        await removals.wait { isStopping ? nil : connections }
    }

    /// Does something to an entry, as often as it takes while it is ours.
    private func persistently(
        _ event: String, _ job: Job, _ work: () async throws(SystemError) -> Void
    ) async -> Bool {
        var pause = 1.0
        while true {
            do throws(SystemError) {
                try await work()
                writing.succeeded()
                return true
            } catch {
                writing.failed(error, waiting: jobs)
                if restraint.admits(event, because: error.reason) {
                    Log.write(
                        .error, event,
                        [
                            "id": job.id, "error": error,
                            "hint": "tried again; a restart may send it twice",
                        ])
                }
            }
            if isStopping { return false }
            if await isTaken(job) {
                noteLost(job)
                return false
            }
            await sleep(until: .seconds(pause))
            pause = min(pause * 2, 60)
        }
    }

    /// Whether somebody else has the entry; the lock may be lost with the way to a shared file system.
    private func isTaken(_ job: Job) async -> Bool {
        let claim = job.claim
        do throws(SystemError) {
            return try await !pool.run { () throws(SystemError) in try claim.isOurs() }
        } catch {
            // The same trouble, and no answer.
            return false
        }
    }
}
