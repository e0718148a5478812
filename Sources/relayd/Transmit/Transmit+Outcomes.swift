// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// What came of an entry's parcels, from the disk's side: what is final is written down before it is told of.
extension Transmit {
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
        job.isLost = true
        job.setBackUntil = Self.milliseconds + Self.patience(with: job.id)
    }

    /// A parcel was attempted for some of its recipients, and goes on.
    func goOn(_ parcel: Parcel, _ records: [(MailAddress, DeliveryRecord)]) {
        parcel.job.records += records
        parcel.job.untold += records
        writeFinal(of: parcel.job)
        tell(parcel.job)
    }

    /// A parcel was attempted.
    func finish(_ parcel: Parcel, _ records: [(MailAddress, DeliveryRecord)]) {
        let job = parcel.job
        job.records += records
        job.untold += records
        // Until the disk knows, a message may be sent twice: what was sent is told of after that.
        if !records.contains(where: { $0.1.outcome.result == .accepted }) { tell(job) }
        if job.parcels > 1 { writeFinal(of: job) }
        partDone(job)
        tell(job)
    }

    /// Writes down what is final while others are on their way, perhaps for long: if we are killed meanwhile, it is not
    /// sent again.
    private func writeFinal(of job: Job) {
        if job.isWriting { return }
        let final = job.records.filter { $0.1.outcome.result != .temporary }
        guard !final.isEmpty else { return }
        job.records.removeAll { $0.1.outcome.result != .temporary }
        job.isWriting = true
        job.parcels += 1
        Task.immediate {
            let event = RelayEvent.attempted(time: WallClock.seconds, final)
            let isWritten = await record([event], of: job)
            job.isWriting = false
            if isWritten {
                job.wrote(event, final)
                // What has come to it since.
                if job.parcels > 1 { writeFinal(of: job) }
            } else {
                // With the next outcome, or at the end.
                job.records += final
            }
            partDone(job)
        }
    }

    func note(_ job: Job, _ records: [(MailAddress, DeliveryRecord)]) {
        job.records += records
        job.untold += records
        tell(job)
    }

    /// Counts and logs outcomes that were not told of yet.
    func tell(_ job: Job) {
        let records = job.untold
        job.untold = []
        for (address, record) in records {
            record.outcome.result.counter.add()
            log(job, address, record)
        }
    }

    func partDone(_ job: Job) {
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
