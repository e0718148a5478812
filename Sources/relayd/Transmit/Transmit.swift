// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy
import TLS

/// relayd transmit: from `queue/relay` to other servers; docs/queue.md §8.
///
/// The agenda knows when each entry is due. An entry that is due is claimed, its recipients are sorted by their routes
/// into parcels, couriers carry these to their destinations, and when all of an entry's parcels are done it is settled:
/// removed, or given the time of the next attempt.
final class Transmit {
    /// Entries that are held at once; the others wait by their ids alone.
    nonisolated static let mostJobs = 2000
    /// So few are held that what is claimed will be sent in a moment: short messages are read along.
    nonisolated private static let fewJobs = 256
    /// The longest message that is read along, in octets.
    nonisolated private static let shortMessage = 16 << 10
    /// Entries that a thread claims one after the other.
    nonisolated static let handful = 8
    /// Entries that are being claimed at once.
    nonisolated static let mostClaims = 64
    /// Seconds between scans of the folder, a little more or less.
    nonisolated static let scanInterval = 30.0
    /// Seconds for which a connection waits for a next message.
    nonisolated static let idleSeconds = 2.0

    let slice: TransmitSlice
    let policy: RoutingPolicy
    let schedule: RetrySchedule
    let finder: HostFinder
    let context: TLSClientContext
    let relay: RelayQueue
    let reports: Reports
    /// For what is read and removed, which is quick.
    let pool = BlockingPool(threads: 8, name: "relayd disk")
    /// For claims, of which many wait.
    ///
    /// What was sent must be removed before anything else is done: where a call takes milliseconds, as on a shared file
    /// system, it would else lie there for seconds, and another host would send it again if this one were cut off.
    private let claiming = BlockingPool(threads: 8, name: "relayd claim")
    /// For what is flushed: it must not keep the end of a message that was sent waiting.
    let flushing = BlockingPool(threads: Queue.commitThreads, name: "relayd flush")
    let watch: FolderWatch

    var agenda = Agenda()
    var hostTroubles = HostTroubles()
    let removals = Removals()
    let closings: Closings
    /// Entries that look damaged, and since when.
    var suspects: [QueueID: Deadline] = [:]
    var promptness = Promptness()
    var breaker: CircuitBreaker
    /// Whether entries can be claimed and read.
    let reading = StorageWatch(.reading)
    /// Whether what came of attempts can be written down.
    let writing = StorageWatch(.writing)
    var restraint = LogRestraint()
    var generator = SystemRandomNumberGenerator()
    /// Entries that are held.
    private(set) var jobs = 0
    /// Entries that are being claimed.
    private var claims = 0
    private(set) var isStopping = false
    private var isScanning = false
    var isScanWanted = true
    /// The storage fails, and a scan was the latest to notice.
    var isScanTrouble = false
    /// Whether all entries that were there at the start are known.
    var hasReadQueue = false
    /// Somebody wants all of them tried, and they are not all known.
    var isFlushWanted = false
    var nextScan = Deadline.now
    var nextSweep = Deadline.seconds(60)

    var destinations: [Route: Destination] = [:]
    var nextIndex: Int32 = 0
    /// Connections of all destinations, also idle ones and those that are being made.
    var connections = 0
    /// Destinations with parked entries that nobody had a hand free for.
    private var starving: [Destination] = []
    /// Destinations that wait for a connection of the whole to be free.
    var hungry: [Destination] = []

    /// Opens the queue, reads what the sandbox will forbid, and begins to watch.
    ///
    /// - Throws: Whatever makes sending impossible.
    init(_ slice: TransmitSlice) throws {
        self.slice = slice
        let settings = slice.settings
        policy = RoutingPolicy(
            settings: settings, smarthosts: slice.smarthosts, localMX: slice.localMX)
        schedule = RetrySchedule(settings)
        breaker = CircuitBreaker(limit: settings.holdAfterRefusals)
        let servers =
            settings.nameservers.isEmpty ? SystemNames.nameservers() : settings.nameservers
        finder = HostFinder(
            Resolver(servers: servers, hosts: SystemNames.hosts()),
            own: OwnHost(name: slice.hostname), usesIPv6: settings.usesIPv6)
        context = try TLSClientContext(
            verifies: slice.smarthosts.contains(where: \.verifiesCertificate))
        relay = try RelayQueue(root: slice.root)
        closings = Closings(on: pool)
        reports = Reports(
            queue: try Queue(root: slice.root, pool: flushing), pool: pool, host: slice.hostname,
            templates: slice.reportTemplates)
        // Before the first scan, so that nothing falls between.
        watch = try FolderWatch(
            "\(QueueLayout.path(root: slice.root))/\(QueueLayout.relay)", noticesNew: false)
    }

    /// Entries that may be claimed now.
    var freeJobs: Int { max(0, Self.mostJobs - jobs) }

    /// Sends until ``stop()``.
    func run() async {
        while !isStopping {
            startWhatIsDue()
            guard await watch.wait(until: nextWake) == .ready else { continue }
            heedEvents()
            await Task.yield()
        }
        for destination in destinations.values {
            for parcel in destination.takeAll() { skip(parcel, because: destination) }
            for connection in destination.takeIdle() { Task { await connection.quit() } }
        }
        while jobs > 0 || claims > 0 || isScanning { await sleep(until: .seconds(0.01)) }
    }

    /// Begins nothing new; ``run()`` returns when what is at work is done.
    func stop() {
        isStopping = true
        watch.interrupt()
    }

    /// Seconds until a destination is tried again after so many failures.
    func delay(after failures: Int) -> Double {
        Double(schedule.next(after: failures, now: 0, using: &generator))
    }

    /// What connections of a route must be like.
    func demands(of route: Route) -> ConnectionDemands {
        ConnectionDemands(route, slice.settings, slice.smarthosts)
    }

    // MARK: Noticing

    nonisolated static var milliseconds: Int { Int(WallClock.microseconds / 1000) }

    private var nextWake: Deadline {
        var seconds = max(0, nextScan.seconds(since: .now))
        if isScanning { seconds = Self.scanInterval }
        let mayClaimSoon = reading.error == nil ? !isStuck : claims == 0
        guard freeJobs > 0, claims < Self.mostClaims, mayClaimSoon else { return .seconds(seconds) }
        var due = agenda.nextDue().map { Double(max(0, $0 - Self.milliseconds)) / 1000 }
        if let retry = reading.retry {
            if !starving.isEmpty { due = 0 }
            due = due.map { max($0, retry.seconds(since: .now)) }
        }
        return .seconds(min(seconds, due ?? seconds))
    }

    private func heedEvents() {
        for event in watch.events() {
            switch event {
            case .created: continue
            case .changed(let name):
                guard let id = QueueLayout.relayID(ofName: name) else { continue }
                agenda.touch(id, now: Self.milliseconds)
            case .touched:
                // What is not known yet has its turn when it is.
                if hasReadQueue {
                    agenda.touchAll(now: Self.milliseconds)
                } else {
                    isFlushWanted = true
                }
                Log.write(.info, "relay.flush", ["entries": agenda.count])
            case .lost: isScanWanted = true
            }
        }
    }

    func startWhatIsDue() {
        if isStopping { return }
        var due: [DueEntry] = []
        while mayClaim, let entry = agenda.takeDue(now: Self.milliseconds) {
            reserve()
            due.append(DueEntry(id: entry.id, wish: entry.wish))
        }
        start(due)
        // While the storage fails nobody else finds out whether it serves again.
        if reading.error != nil, mayClaim, !starving.isEmpty { starving.removeFirst().refill() }
        guard !isScanning, isScanWanted || nextScan <= .now else { return }
        isScanning = true
        Task {
            await scan()
            isScanning = false
            watch.interrupt()
        }
    }

    // MARK: Claiming

    /// Keeps the place of an entry that is about to be claimed.
    func reserve() {
        jobs += 1
        claims += 1
    }

    /// Begins to claim entries that the agenda has at work, each with its place reserved.
    ///
    /// Where there are many, a thread takes some at a time, as waking it costs as much as a claim.
    func start(_ entries: [DueEntry]) {
        let size = max(1, min(entries.count / 2, Self.handful))
        var rest = entries[...]
        while !rest.isEmpty {
            claim(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
    }

    private func claim(_ entries: [DueEntry]) {
        let relay = relay
        let limit = jobs <= Self.fewJobs ? Self.shortMessage : 0
        let looks = entries.map { (id: $0.id, spares: isSpared($0.id)) }
        Task {
            let claimed = await claiming.run {
                looks.map { relay.claimed($0.id, limit, sparesDamaged: $0.spares) }
            }
            claims -= entries.count
            for (entry, claimed) in zip(entries, claimed) {
                entry.line?.pulledIn()
                admit(entry, claimed)
            }
            for entry in entries { entry.line?.refill() }
            startWhatIsDue()
        }
    }

    /// Whether one entry more may be claimed; while the storage fails, one now and then.
    private var mayClaim: Bool {
        guard freeJobs > 0, claims < Self.mostClaims else { return false }
        if reading.error != nil { return claims == 0 && reading.mayTry }
        return !isStuck
    }

    /// What was sent cannot be removed, as far as is known; those that are held find out when it can.
    ///
    /// Whatever else is sent now would be sent again after a restart.
    private var isStuck: Bool {
        guard jobs > claims, let error = writing.error else { return false }
        // A full disk gets room by sending.
        return !error.isOfSpace
    }

    /// Whether one entry more may be claimed; if not, the destination is told when one may.
    func mayClaim(for destination: Destination) -> Bool {
        if mayClaim { return true }
        if !starving.contains(where: { $0 === destination }) { starving.append(destination) }
        return false
    }

    /// An entry was settled or let go of.
    func jobEnded() {
        jobs -= 1
        let before = claims
        for _ in 0..<starving.count where claims == before { starving.removeFirst().refill() }
        startWhatIsDue()
        // Its next time may be the first of all.
        watch.interrupt()
    }
}

/// An entry whose turn it is.
struct DueEntry {
    let id: QueueID
    let wish: Agenda.Wish
    /// Where it waited, if it waited in a line.
    var line: Destination?
}

extension RelayQueue {
    nonisolated fileprivate func claimed(
        _ id: QueueID, _ limit: Int, sparesDamaged: Bool
    ) -> Result<Claimed, SystemError> {
        do throws(SystemError) {
            return .success(
                try claim(id, readingUpTo: limit, sparesDamaged: sparesDamaged))
        } catch {
            return .failure(error)
        }
    }
}
