// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// relayd deliver: from `queue/local` into mailboxes; docs/queue.md §6.
///
/// Live entries are delivered as inotify tells of them, each by one rename on the loop's thread. Scans find the
/// rest: at start, when something that was set aside is due, when events were lost, and every half minute.
final class Deliver {
    /// Seconds between scans; shortened and lengthened a little so that hosts do not scan in step.
    nonisolated static let scanInterval: Double = 30
    /// Seconds between sweeps of abandoned drafts.
    nonisolated static let sweepInterval: Double = 3600
    /// Copies between file systems at once.
    nonisolated static let mostCopies = 4

    let delivery: MaildirDelivery
    let queue: Folder
    let pool = BlockingPool(threads: 4, name: "relayd disk")
    var setbacks = Setbacks()
    /// Whether entries can be listed and looked at.
    let reading = StorageWatch(.reading)
    /// Whether mailboxes can be written to.
    private(set) lazy var writing = StorageWatch(.writing) { [weak self] in self?.mailboxesServe() }
    var restraint = LogRestraint()
    /// Entries that are being copied.
    var copying: Set<String> = []
    /// Copies had to wait for a scan to come by again.
    var haveCopiesWaited = false

    private let watch: FolderWatch
    private let started = WallClock.microseconds
    private var pending = PendingLinks()
    private var isScanning = false
    private var isScanWanted = true
    private var nextScan = Deadline.now
    /// A long folder is not walked through all the time, whatever is due in it.
    private var notBefore = Deadline.now
    private var nextSweep = Deadline.now
    private var isStopping = false

    /// Opens the queue and begins to watch it.
    ///
    /// - Parameters:
    ///   - root: The folder of `queue` and `usermanager`.
    ///   - host: Goes into the names of delivered messages.
    /// - Throws: `SystemError` when a folder is missing or closed to us.
    init(root: String, host: String) throws(SystemError) {
        let path = QueueLayout.path(root: root)
        delivery = try MaildirDelivery(root: root, host: host)
        queue = try Folder(path)
        // Before the first scan, so that nothing falls between.
        watch = try FolderWatch("\(path)/\(QueueLayout.local)", noticesNew: true)
    }

    /// Delivers until ``stop()``.
    func run() async {
        while !isStopping {
            startWhatIsDue()
            guard await watch.wait(until: nextWake) == .ready else { continue }
            heedEvents()
            // Scans and copies go on between two batches of events.
            await Task.yield()
        }
        while isScanning || !copying.isEmpty { await sleep(until: .seconds(0.02)) }
    }

    /// Begins nothing new; ``run()`` returns when what is at work is done.
    func stop() {
        isStopping = true
        watch.interrupt()
    }

    private var nextWake: Deadline {
        // The end of a scan interrupts the wait.
        if isScanning { return .seconds(Self.scanInterval) }
        if isScanWanted { return notBefore }
        return max(notBefore, min(nextScan, setbacks.nextDue ?? nextScan))
    }

    private func startWhatIsDue() {
        guard !isScanning, nextWake <= .now else { return }
        isScanning = true
        Task {
            await scan()
            await sweepIfDue()
            isScanning = false
            watch.interrupt()
        }
    }

    // MARK: Live

    func heedEvents() {
        for event in watch.events() {
            switch event {
            case .touched: continue
            case .created(let name):
                if !pending.add(name) { isScanWanted = true }
            case .changed(let name):
                deliverLive(name)
            case .lost:
                isScanWanted = true
            }
        }
    }

    private func deliverLive(_ name: String) {
        guard !QueueLayout.isHidden(name) else { return }
        let inspection = EntryInspection(ofLive: name, in: delivery.local)
        act(on: name, inspection)
        guard case .deliverable(let entry, _) = inspection else { return }
        for other in pending.take(entry.id) where other != name {
            act(on: other, EntryInspection(ofLive: other, in: delivery.local))
        }
    }

    // MARK: Scans

    /// Looks at every name in the folder once.
    func scan() async {
        let start = Deadline.now
        var work: Double = 0
        isScanWanted = false
        do throws(SystemError) {
            let scan = try Scan(delivery, startedAt: started)
            while !isStopping {
                let (setbacks, began) = (setbacks, Deadline.now)
                let findings = try await pool.run { () throws(SystemError) in
                    try scan.next(without: setbacks)
                }
                work += Deadline.now.seconds(since: began)
                guard let findings else { break }
                for finding in findings {
                    await waitForCopies()
                    act(on: finding.name, finding.inspection)
                }
                // The rest would fare no better; but a few files with wrong rights keep nobody waiting.
                if reading.error != nil, !findings.isEmpty, findings.allSatisfy(\.isTrouble) {
                    break
                }
                reading.succeeded()
            }
        } catch {
            reading.failed(error)
            if restraint.admits("delivery.scan-failed", because: error.reason) {
                Log.write(.error, "delivery.scan-failed", ["error": error])
            }
        }
        setbacks.settle(scanStarted: start, now: .now)
        let tenMinutes: UInt64 = 600_000_000
        pending.forget(before: WallClock.microseconds - tenMinutes)
        notBefore = .seconds(min(4 * work, Self.scanInterval))
        nextScan = .seconds(Self.scanInterval * .random(in: 0.75...1.25))
        if let retry = reading.retry { notBefore = max(notBefore, retry) }
    }

    /// All mailboxes had been in trouble: none need wait any longer.
    private func mailboxesServe() {
        setbacks = Setbacks()
        isScanWanted = true
        watch.interrupt()
    }

    private func waitForCopies() async {
        while copying.count >= Self.mostCopies { await sleep(until: .seconds(0.01)) }
    }

    /// A copy has ended; entries that found all places taken are looked for again.
    func copyEnded() {
        guard haveCopiesWaited, copying.isEmpty else { return }
        haveCopiesWaited = false
        isScanWanted = true
        watch.interrupt()
    }

    private func sweepIfDue() async {
        guard nextSweep <= .now, !isStopping else { return }
        nextSweep = .seconds(Self.sweepInterval)
        do throws(SystemError) {
            let drafts = try OpenFolder(QueueLayout.drafts, in: queue)
            let sweep = try await pool.run { () throws(SystemError) in
                try Sweep(drafts.folder)
            }
            for name in sweep.removed {
                Log.write(.notice, "queue.draft-swept", ["id": name])
            }
            for name in sweep.unknown {
                Log.write(
                    .warning, "queue.draft-unknown",
                    ["name": name, "hint": "nothing of ours; it stays in queue/tmp"])
            }
        } catch {
            Log.write(.error, "queue.sweep-failed", ["error": error])
        }
    }
}
