// SPDX-License-Identifier: Apache-2.0
import Common

/// Decides which workers run: it is told what happened, and says what to do about it.
///
/// All workers of one configuration are a generation. A new one is started beside the one that serves; once all
/// of it are ready the older one retires, and if any of it cannot start, it is given up and the older one goes on.
/// Nothing here touches a process, so every rule is tested from values.
struct Supervisor {
    /// By process.
    private(set) var workers: [Int32: Worker] = [:]
    /// The one that serves.
    private(set) var serving: Generation?
    /// The one that is to serve next.
    private(set) var incoming: Generation?
    private var newest = 0
    private var stopping: Stopping?
    private var lastTick: Deadline?
    private let bounds: Bounds

    private struct Stopping {
        let since: Deadline
        let code: Int32
        var authdTold = false
        var killed = false
    }

    init(bounds: Bounds = Bounds()) {
        self.bounds = bounds
    }

    // MARK: What happened

    /// A configuration is to be served: at first, or instead of the present one.
    mutating func change(to slots: [Slot], at now: Deadline) -> [Action] {
        precondition(stopping == nil && incoming == nil)
        newest += 1
        let generation = Generation(number: newest, slots: slots, since: now)
        incoming = generation
        return slots.map { .start($0, generation: generation.number) }
    }

    /// A worker runs.
    mutating func started(
        _ process: Int32, in slot: Slot, of generation: Int, at now: Deadline
    ) -> [Action] {
        workers[process] = Worker(slot: slot, generation: generation, started: now, heard: now)
        if slot.service.asksAuthd {
            guard let authd = authd(of: generation) else { return [] }
            return [.introduce(client: process, authd: authd)]
        }
        guard slot.service == .authd else { return [] }
        return clients { self.home(of: $0) == generation }
            .map { .introduce(client: $0, authd: process) }
    }

    /// A worker could not even be started; the reason is in the log already.
    mutating func notStarted(_ slot: Slot, of generation: Int, at now: Deadline) -> [Action] {
        failed(slot, of: generation, after: 0, mayRetry: false, at: now)
    }

    /// A worker serves.
    mutating func ready(_ process: Int32, at now: Deadline) -> [Action] {
        workers[process]?.isReady = true
        workers[process]?.heard = now
        guard stopping == nil, let next = incoming else { return [] }
        let ready = workers.values.filter { $0.generation == next.number && $0.isReady }
        guard ready.count == next.places.count else { return [] }
        let old = workers.filter { $0.value.generation != next.number && $0.value.life == .serving }
        serving = next
        incoming = nil
        var actions: [Action] = []
        if let authd = authd(of: next.number) {
            // Also those that have been retiring for long: their authd goes now.
            actions = clients { $0.generation != next.number }
                .map { .introduce(client: $0, authd: authd) }
        }
        for process in old.keys.sorted() {
            workers[process]?.life = .retiring(until: now.advanced(by: bounds.retirement))
            actions.append(.retire(process))
        }
        return actions + [.serving(generation: next.number)]
    }

    /// A worker showed life.
    mutating func alive(_ process: Int32, at now: Deadline) {
        workers[process]?.heard = now
    }

    /// A worker has ended.
    mutating func died(_ process: Int32, _ end: ProcessEnd, at now: Deadline) -> [Action] {
        guard let worker = workers.removeValue(forKey: process) else { return [] }
        let age = now.seconds(since: worker.started)
        func report(restart: Double?) -> Action {
            .report(
                .died(worker.slot, process: process, end: end, after: age, restart: restart))
        }
        if stopping != nil {
            return [report(restart: nil)] + stopOn(at: now)
        }
        guard worker.life == .serving else { return [report(restart: nil)] }
        // A program that says itself that it cannot work will say so again.
        let refused: Bool
        if case .exited = end { refused = !worker.isReady } else { refused = false }
        let next = failed(
            worker.slot, of: worker.generation, after: age, mayRetry: !refused, at: now)
        let again = Action.start(worker.slot, generation: worker.generation)
        let due = place(worker.slot, of: worker.generation)?.due
        return [report(restart: next.contains(again) ? 0 : due?.seconds(since: now))] + next
    }

    /// The service is to end, with this exit code of master; asked again, it ends at once.
    mutating func stop(code: Int32 = 0, at now: Deadline) -> [Action] {
        guard stopping == nil else { return killAll() }
        stopping = Stopping(since: now, code: code)
        incoming = nil
        serving = nil
        let until = now.advanced(by: bounds.stop)
        var actions: [Action] = []
        for (process, worker) in workers.sorted(by: { $0.key < $1.key }) {
            workers[process]?.life = .stopping(until: until)
            // Those that finish a session may still have to ask.
            if worker.slot.service != .authd { actions.append(.stop(process)) }
        }
        return actions + stopOn(at: now)
    }

    /// Time has passed; to be told every five seconds at least.
    mutating func tick(at now: Deadline) -> [Action] {
        forgivePause(at: now)
        if stopping != nil { return stopOn(at: now) }
        var actions = bringToEnd(at: now)
        if let next = incoming, serving != nil,
            next.since.advanced(by: bounds.change) <= now
        {
            return actions + [.report(.changeTimedOut)] + abandon(next)
        }
        for generation in [serving, incoming].compactMap(\.self) {
            for place in generation.duePlaces(at: now) {
                setDue(nil, of: place.slot, of: generation.number)
                actions.append(.start(place.slot, generation: generation.number))
            }
        }
        return actions
    }

    /// When ``tick(at:)`` has something to do at the latest.
    var nextTick: Deadline? {
        if let stopping {
            let bound = stopping.authdTold ? bounds.stop : bounds.stopAuthd
            return stopping.killed ? nil : stopping.since.advanced(by: bound)
        }
        var times = [serving, incoming].compactMap(\.self).flatMap(\.dueTimes)
        if serving != nil, let incoming { times.append(incoming.since.advanced(by: bounds.change)) }
        for worker in workers.values {
            switch worker.life {
            case .serving: times.append(worker.heard.advanced(by: bounds.silence))
            case .retiring(let until), .stopping(let until): times.append(until)
            }
        }
        return times.min()
    }

    /// Whether a worker of this generation may still be started.
    func isWanted(generation: Int) -> Bool {
        serving?.number == generation || incoming?.number == generation
    }

    /// Whether every worker that serves has shown life lately: what a watchdog wants to know.
    func isHealthy(at now: Deadline) -> Bool {
        workers.values.allSatisfy { worker in
            worker.life != .serving || worker.heard.advanced(by: bounds.fresh) > now
        }
    }
}

// MARK: - Details

extension Supervisor {
    /// The generation whose authd a worker asks: its own, or once it retires the one that serves.
    private func home(of worker: Worker) -> Int {
        worker.life == .serving ? worker.generation : serving?.number ?? worker.generation
    }

    private func authd(of generation: Int) -> Int32? {
        workers.first { _, worker in
            worker.slot.service == .authd && worker.generation == generation
                && worker.life == .serving
        }?.key
    }

    private func clients(where isWanted: (Worker) -> Bool) -> [Int32] {
        workers.filter { $0.value.slot.service.asksAuthd && isWanted($0.value) }.keys.sorted()
    }

    private func place(_ slot: Slot, of generation: Int) -> Generation.Place? {
        [serving, incoming].compactMap(\.self).first { $0.number == generation }?.places[slot]
    }

    private mutating func setDue(_ due: Deadline?, of slot: Slot, of generation: Int) {
        if serving?.number == generation { serving?.places[slot]?.due = due }
        if incoming?.number == generation { incoming?.places[slot]?.due = due }
    }

    /// A place that should be filled is empty.
    private mutating func failed(
        _ slot: Slot, of generation: Int, after age: Double, mayRetry: Bool, at now: Deadline
    ) -> [Action] {
        if let next = incoming, next.number == generation {
            if serving != nil { return abandon(next) }
            if !mayRetry { return stop(code: 1, at: now) }
        }
        guard var place = place(slot, of: generation) else { return [] }
        let delay = place.delayAfterDeath(age: age, bounds: bounds)
        if serving?.number == generation { serving?.places[slot] = place }
        if incoming?.number == generation { incoming?.places[slot] = place }
        if delay == 0 { return [.start(slot, generation: generation)] }
        setDue(now.advanced(by: delay), of: slot, of: generation)
        return []
    }

    private mutating func abandon(_ generation: Generation) -> [Action] {
        incoming = nil
        let gone = workers.filter { $0.value.generation == generation.number }.keys.sorted()
        for process in gone { workers[process]?.life = .stopping(until: .distantFuture) }
        return gone.map { .kill($0) } + [.abandoned(generation: generation.number)]
    }

    /// When nobody ran, such as in a virtual machine that was paused, nobody can be blamed for having been silent.
    private mutating func forgivePause(at now: Deadline) {
        if let lastTick, lastTick.advanced(by: bounds.pause) <= now {
            for process in workers.keys { workers[process]?.heard = now }
        }
        lastTick = now
    }

    /// Ends those whose time is up.
    private mutating func bringToEnd(at now: Deadline) -> [Action] {
        var actions: [Action] = []
        for (process, worker) in workers.sorted(by: { $0.key < $1.key }) {
            switch worker.life {
            case .serving where worker.heard.advanced(by: bounds.silence) <= now:
                let seconds = now.seconds(since: worker.heard)
                actions += [
                    .report(.silent(worker.slot, process: process, seconds: seconds)),
                    .kill(process),
                ]
                // Once; its death is told like any other.
                workers[process]?.heard = now
            case .retiring(let until) where until <= now:
                actions += [
                    .report(.overdue(worker.slot, process: process)), .stop(process),
                ]
                workers[process]?.life = .stopping(until: now.advanced(by: bounds.stop))
            case .stopping(let until) where until <= now:
                actions.append(.kill(process))
                workers[process]?.life = .stopping(until: .distantFuture)
            default: continue
            }
        }
        return actions
    }

    /// What the end of the service still needs.
    private mutating func stopOn(at now: Deadline) -> [Action] {
        guard var state = stopping else { return [] }
        if workers.isEmpty { return [.exit(code: state.code)] }
        var actions: [Action] = []
        let onlyAuthd = workers.values.allSatisfy { $0.slot.service == .authd }
        let isLate = state.since.advanced(by: bounds.stopAuthd) <= now
        if !state.authdTold, onlyAuthd || isLate {
            state.authdTold = true
            actions = workers.filter { $0.value.slot.service == .authd }.keys.sorted()
                .map { .stop($0) }
        }
        stopping = state
        if state.since.advanced(by: bounds.stop) <= now, !state.killed { actions += killAll() }
        return actions
    }

    private mutating func killAll() -> [Action] {
        stopping?.killed = true
        return workers.keys.sorted().map { .kill($0) }
    }
}
