// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// What the supervisor wants done.
extension Master {
    func carryOut(_ actions: [Supervisor.Action]) {
        for action in actions {
            switch action {
            case .start(let slot, let generation): start(slot, of: generation)
            case .introduce(let client, let authd): introduce(client, to: authd)
            case .retire(let process): order("retire", process)
            case .stop(let process): signal(process, SIGTERM)
            case .kill(let process): signal(process, SIGKILL)
            case .report(let report): report.log()
            case .serving(let generation): serve(generation)
            case .abandoned(let generation):
                plans[generation] = nil
                Log.write(
                    .error, "master.reload-failed",
                    ["hint": "the old workers serve on; the reason is above"])
                Systemd.ready(status: "The new configuration failed; the old one serves")
            case .exit(let code):
                Log.write(.notice, "master.stopped", ["code": code])
                exit(code)
            }
        }
    }

    private func serve(_ generation: Int) {
        // Sockets that only an older one used close now; retiring workers have their own copies.
        plans = plans.filter { $0.key == generation }
        guard let plan = plans[generation] else { return }
        let addresses = plan.configuration.listeners.map { "\($0.name) \($0.address)" }
        Log.write(
            .notice, "master.ready",
            ["workers": plan.slots.count, "listeners": addresses.joined(separator: ", ")])
        note(plan.configuration)
        let certificates = plan.certificates
        certificates.warn(at: WallClock.seconds)
        let until = certificates.earliest.map { ", certificates until \($0)" } ?? ""
        Systemd.ready(
            status: "\(plan.slots.count) workers serve \(addresses.joined(separator: ", "))\(until)"
        )
    }

    private func start(_ slot: Slot, of generation: Int) {
        guard supervisor.isWanted(generation: generation), let plan = plans[generation] else {
            return
        }
        do throws(SystemError) {
            let process = try start(slot, by: plan, generation)
            Log.write(.info, "worker.started", ["worker": slot, "process": process])
            carryOut(supervisor.started(process, in: slot, of: generation, at: .now))
        } catch {
            Log.write(.error, "worker.not-started", ["worker": slot, "error": error])
            carryOut(supervisor.notStarted(slot, of: generation, at: .now))
        }
    }

    private func start(
        _ slot: Slot, by plan: Plan, _ generation: Int
    ) throws(SystemError) -> Int32 {
        let sockets = try FileDescriptor.socketPair()
        let slice = try FileDescriptor.sealedMemory(
            plan.slices[slot.service] ?? [], name: "slice")
        let listeners = (plan.sockets[slot.service] ?? []).map { $0.descriptor.number }
        let process = try ChildProcess.start(
            "\(programs)/\(slot.service.program)", arguments: slot.service.arguments,
            environment: Self.environment,
            descriptors: [sockets.other.number, slice.number] + listeners,
            identity: identities?.workers[slot.service], openFiles: Self.openFiles)
        controls[process] = ControlSocket(sockets.takeOne())
        givePage(to: process, in: slot, of: generation)
        return process
    }

    /// All that workers inherit.
    ///
    /// A trap writes one line; a backtrace would start another program.
    private static let environment: [String] = {
        var all = ["PATH=/usr/bin:/bin", "SWIFT_BACKTRACE=enable=no", "WMAIL_WORKER=1"]
        for name in ["TZ", "JOURNAL_STREAM"] {
            if let value = getenv(name) { all.append("\(name)=\(String(cString: value))") }
        }
        return all
    }()

    private func introduce(_ client: Int32, to authd: Int32) {
        guard let name = supervisor.workers[client]?.slot.service else { return }
        do throws(SystemError) {
            let sockets = try FileDescriptor.socketPair()
            try controls[authd]?.order("client \(name) \(client)", passing: sockets.one.number)
            try controls[client]?.order("authd", passing: sockets.other.number)
        } catch {
            // A dead one is told of soon, and its successor is introduced.
            Log.write(.warning, "worker.not-introduced", ["process": client, "error": error])
        }
    }

    private func order(_ words: String, _ process: Int32) {
        do throws(SystemError) {
            try controls[process]?.order(words)
        } catch {
            Log.write(.warning, "worker.order-lost", ["process": process, "error": error])
        }
    }

    private func signal(_ process: Int32, _ number: Int32) {
        do throws(SystemError) {
            try ChildProcess.signal(process, number)
        } catch {
            Log.write(.error, "worker.signal-failed", ["process": process, "error": error])
        }
    }
}

extension Supervisor.Report {
    /// Writes its line.
    fileprivate func log() {
        switch self {
        case .died(let slot, let process, let end, let after, let restart):
            let seconds = (after * 10).rounded() / 10
            guard let restart else {
                Log.write(
                    end == .exited(0) ? .info : .warning, "worker.ended",
                    ["worker": slot, "process": process, "end": end, "after": seconds])
                return
            }
            Log.write(
                .error, "worker.died",
                [
                    "worker": slot, "process": process, "end": end, "after": seconds,
                    "restart": restart,
                ])
        case .silent(let slot, let process, let seconds):
            Log.write(
                .error, "worker.silent",
                ["worker": slot, "process": process, "seconds": Int(seconds)])
        case .overdue(let slot, let process):
            Log.write(
                .warning, "worker.overdue",
                ["worker": slot, "process": process, "hint": "it did not finish in time"])
        case .changeTimedOut:
            Log.write(.error, "master.reload-timeout", ["hint": "the new workers were not ready"])
        }
    }
}
