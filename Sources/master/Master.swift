// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Carries out what the ``Supervisor`` decides, and tells it what happens: one thread that waits in poll(2).
final class Master {
    /// How many files a worker may open: as many connections, and a few.
    static let openFiles = 65_536
    /// How often TLS ticket keys are replaced, in seconds.
    private static let renewal = 86_400.0

    private let places: Places
    /// nil: all workers run as the user of this process.
    let identities: Identities?
    private let inherited: [ListeningSocket]
    private let signals: SignalQueue
    let programs: String
    private let watchdog = Systemd.watchdogInterval()

    var supervisor = Supervisor()
    /// By generation: the one that serves and the one that comes.
    var plans: [Int: Plan] = [:]
    /// By process.
    var controls: [Int32: ControlSocket] = [:]
    /// nil: there is no run folder that this user may write to.
    var keeper: ScoreboardKeeper?
    /// By process.
    var pages: [Int32: ScoreboardKeeper.Page] = [:]
    private var door: AdminDoor?
    private var wantsReload = false
    private var renewsAt: Deadline
    /// When the workers' health was last looked at for the watchdog.
    private var examined = Deadline.now
    private var first: Plan?

    init(
        _ plan: Plan, places: Places, identities: Identities?, inherited: [ListeningSocket],
        signals: consuming SignalQueue, programs: String
    ) {
        first = plan
        self.places = places
        self.identities = identities
        self.inherited = inherited
        self.signals = signals
        self.programs = programs
        renewsAt = .seconds(Self.renewal)
    }

    /// Until the service has ended; the process ends with it.
    func run() -> Never {
        begin()
        while true {
            wait()
            hearWorkers()
            heedSignals()
            letOperatorsIn()
            carryOut(supervisor.tick(at: .now))
            if isQuiet { keepUp() }
            feedWatchdog()
        }
    }

    /// Apart from ``run()``, which never returns and so would keep the plan, with its sockets, for ever.
    private func begin() {
        beginScoreboard(in: places.run)
        door = AdminDoor.open(in: places.run)
        if let first { change(to: first) }
        first = nil
    }

    // MARK: Waiting

    private func wait() {
        var watched = [pollfd(fd: signals.number, events: Int16(POLLIN), revents: 0)]
        watched += controls.values.map {
            pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0)
        }
        if let door { watched.append(pollfd(fd: door.number, events: Int16(POLLIN), revents: 0)) }
        // At least so often that a pause of the whole machine can be told from silent workers.
        var until = min(supervisor.nextTick ?? .distantFuture, .seconds(5))
        if isQuiet { until = min(until, renewsAt) }
        if let watchdog { until = min(until, examined.advanced(by: watchdog / 3)) }
        let seconds = until.seconds(since: .now)
        // Rounded up, so that the time has really come.
        _ = poll(&watched, nfds_t(watched.count), Int32(seconds * 1000) + 1)
    }

    private func hearWorkers() {
        for (process, control) in controls {
            while let report = control.next() {
                switch report {
                case .ready: carryOut(supervisor.ready(process, at: .now))
                case .alive: supervisor.alive(process, at: .now)
                case .unknown(let text):
                    Log.write(
                        .error, "worker.report-unknown", ["process": process, "report": text])
                case .end: controls[process] = nil
                }
                if report == .end { break }
            }
        }
    }

    private func heedSignals() {
        while let signal = signals.next() {
            switch signal {
            case SIGCHLD: reap()
            case SIGHUP: wantsReload = true
            default:
                Log.write(.notice, "master.stopping", ["signal": SignalName.of(signal)])
                Systemd.stopping()
                carryOut(supervisor.stop(at: .now))
            }
        }
    }

    private func letOperatorsIn() {
        while let operatorsEnd = door?.accept() { introduce(operator: operatorsEnd) }
    }

    private func reap() {
        while let (process, end) = ChildProcess.reap() {
            controls[process] = nil
            endPage(of: process)
            carryOut(supervisor.died(process, end, at: .now))
        }
    }

    private func feedWatchdog() {
        guard let watchdog, examined.advanced(by: watchdog / 3) <= .now else { return }
        examined = .now
        if supervisor.isHealthy(at: examined) { Systemd.feedWatchdog() }
    }

    // MARK: Changing the configuration

    /// Whether one generation serves and none is to follow.
    private var isQuiet: Bool { supervisor.incoming == nil && supervisor.serving != nil }

    /// What waits for a quiet moment: a reload that was asked for, new ticket keys.
    private func keepUp() {
        if wantsReload {
            wantsReload = false
            reload()
        } else if renewsAt <= .now, let number = supervisor.serving?.number,
            let plan = plans[number]
        {
            Log.write(.info, "master.renewing", ["reason": "TLS ticket keys are a day old"])
            Systemd.reloading()
            change(to: plan.renewed())
        }
    }

    private func reload() {
        Log.write(.notice, "master.reloading", ["file": places.configurationFile])
        Systemd.reloading()
        do {
            let configuration = try ConfigurationFile.load(places, host: .forWorkers)
            for warning in configuration.warnings {
                Log.write(.warning, "configuration.warning", ["warning": warning])
            }
            let present = supervisor.serving.flatMap { plans[$0.number]?.openSockets } ?? []
            let plan = try Plan(configuration, sockets: present + inherited)
            try makeFolders(for: configuration)
            change(to: plan)
        } catch let error as ConfigurationError {
            for problem in error.problems { refuse(problem) }
        } catch {
            refuse(error)
        }
    }

    private func refuse(_ problem: Any) {
        Log.write(
            .error, "configuration.refused",
            ["problem": String(describing: problem), "hint": "the old configuration stays"])
        Systemd.ready(status: "The new configuration was refused; the old one serves")
    }

    /// For groups that are new.
    private func makeFolders(for configuration: Configuration) throws(SystemError) {
        let names = configuration.groups.map(\.name)
        guard identities != nil else {
            return try FolderRights().establish(in: places, groups: names)
        }
        for name in names where access("\(places.group(name))/users", F_OK) != 0 && errno == ENOENT
        {
            Log.write(
                .warning, "group.no-folder",
                ["group": name, "hint": "restart the service: only root can make its folders"])
        }
    }

    private func change(to plan: Plan) {
        renewsAt = .seconds(Self.renewal)
        let actions = supervisor.change(to: plan.slots, at: .now)
        if let number = supervisor.incoming?.number { plans[number] = plan }
        carryOut(actions)
    }
}
