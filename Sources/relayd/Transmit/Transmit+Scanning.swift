// SPDX-License-Identifier: Apache-2.0
import Common

/// What finds the entries that no event told of; docs/queue.md §8.
extension Transmit {
    /// Looks for entries that nobody told of.
    func scan() async {
        isScanWanted = false
        let began = Deadline.now
        do throws(SystemError) {
            let entries = try QueueReading(relay, pool: pool)
            while !isStopping, let part = try await entries.next(skipping: agenda.contains) {
                for (id, next) in part { agenda.learn(id, due: next * 1000) }
                if !part.isEmpty { startWhatIsDue() }
            }
            // Trouble that claims have met, claims must end: a folder may be read whose files may not be written.
            if isScanTrouble { reading.succeeded() }
            isScanTrouble = false
            noteRead(Deadline.now.seconds(since: began))
        } catch {
            isScanTrouble = true
            reading.failed(error, waiting: agenda.count)
            if restraint.admits("relay.scan-failed", because: error.reason) {
                Log.write(.error, "relay.scan-failed", ["error": error])
            }
        }
        let seconds = Deadline.now.seconds(since: began)
        nextScan = .seconds(max(4 * seconds, Self.scanInterval * .random(in: 0.75...1.25)))
        suspects = suspects.filter { Deadline.now.seconds(since: $0.value) < 3600 }
        destinations = destinations.filter { !$0.value.isForgettable }
        await sweepIfDue()
    }

    /// A scan went to its end: all entries that there were at the start are known.
    private func noteRead(_ seconds: Double) {
        if hasReadQueue || isStopping { return }
        hasReadQueue = true
        Log.write(
            .info, "relay.queue-read",
            ["entries": agenda.count, "seconds": (seconds * 1000).rounded() / 1000])
        if isFlushWanted { agenda.touchAll(now: Self.milliseconds) }
    }

    private func sweepIfDue() async {
        guard nextSweep <= .now, !isStopping else { return }
        nextSweep = .seconds(3600)
        let relay = relay
        do throws(SystemError) {
            for name in try await pool.run({ () throws(SystemError) in try relay.sweep() }) {
                Log.write(.notice, "relay.swept", ["name": name])
            }
        } catch {
            Log.write(.error, "relay.sweep-failed", ["error": error])
        }
    }
}
