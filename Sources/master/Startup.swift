// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// From the command line to the running master.
enum Startup {
    static func run() -> Never {
        do {
            switch try Options(Array(CommandLine.arguments.dropFirst())) {
            case .help: say(Options.helpText)
            case .version: say(Options.versionText)
            case .check(let root): try check(Places.chosen(root: root))
            case .prepare(let root): try prepare(Places.chosen(root: root))
            case .sockets(let normal, let early):
                try writeSocketUnits(normal: normal, early: early)
            case .run(let root): try start(Places.chosen(root: root)).run()
            }
            exit(0)
        } catch let error as Options.Mistake {
            complain(error)
            exit(64)
        } catch let error as Places.Missing {
            complain(error)
            exit(64)
        } catch {
            complain(error)
            exit(1)
        }
    }

    private static func check(_ places: Places) throws {
        let configuration = try ConfigurationFile.load(places, host: .forWorkers)
        let accounts = try configuration.readAccounts()
        for warning in configuration.warnings + accounts.flatMap(\.warnings) {
            complain("warning: \(warning)")
        }
        _ = try Plan.credentials(of: configuration)
        say("\(places.configurationFile) is good\n")
    }

    private static func prepare(_ places: Places) throws {
        umask(0o007)
        _ = try make(places, for: Privileges.isRoot ? try Identities.lookUp() : nil)
    }

    private static func writeSocketUnits(normal: String, early: String) throws {
        // Before the first start there is nothing to say.
        guard access(Places.installed.configurationFile, F_OK) == 0 else { return }
        let configuration = try ConfigurationFile.load(.installed)
        try SocketUnits(configuration.listeners.map(\.address)).write(normal: normal, early: early)
    }

    /// All that needs root, and what may be refused.
    private static func start(_ places: Places) throws -> Master {
        // What is made without saying otherwise is nobody else's.
        umask(0o007)
        signal(SIGPIPE, SIG_IGN)
        let signals = try SignalQueue([SIGCHLD, SIGHUP, SIGINT, SIGTERM])
        try Privileges.hideMemory()
        Privileges.raiseOpenFiles(to: Master.openFiles)
        let programs = try programFolder()
        let inherited = Systemd.inheritedSockets()
        let needsOthers = Privileges.isRoot || Privileges.mayBecomeOthers
        let identities = needsOthers ? try Identities.lookUp() : nil
        // A service manager gave us the capabilities alone, and has run --prepare as root before.
        let isPrepared = identities != nil && !Privileges.isRoot
        let configuration =
            isPrepared
            ? try ConfigurationFile.load(places, host: .forWorkers)
            : try make(places, for: identities)
        let plan = try Plan(configuration, sockets: inherited)
        warnOfUnused(inherited, plan)
        if identities != nil {
            for path in [places.state, programs] { try warnOfClosedFolders(above: path) }
        }
        if let identities { try Privileges.dropRoot(to: identities.master) }
        try Common.check("chdir") { chdir("/") }
        return Master(
            plan, places: places, identities: identities, inherited: inherited, signals: signals,
            programs: programs)
    }

    /// Makes the instance if there is none, checks it, and gives each folder to whom it belongs.
    private static func make(
        _ places: Places, for identities: Identities?
    ) throws -> Configuration {
        if try FirstStart.isNeeded(in: places) {
            let first = FirstStart(
                places: places, hostname: HostFacts.current.hostname,
                mailName: places == .installed ? try MailName.ofHost() : nil,
                usesWellKnownPorts: Privileges.isRoot, identity: identities?.master)
            try first.make()
            say(first.welcome)
        }
        let configuration = try ConfigurationFile.load(places, host: .forWorkers)
        // Only here may master read them; later authd alone can, and tells of mistakes in the log.
        let accounts = try configuration.readAccounts()
        for warning in configuration.warnings + accounts.flatMap(\.warnings) {
            Log.write(.warning, "configuration.warning", ["warning": warning])
        }
        let rights = identities.map { FolderRights($0) } ?? FolderRights()
        try rights.establish(in: places, groups: configuration.groups.map(\.name))
        return configuration
    }

    /// Where the workers' programs are: beside this one.
    private static func programFolder() throws(SystemError) -> String {
        guard let resolved = realpath("/proc/self/exe", nil) else {
            throw SystemError("realpath", on: "/proc/self/exe")
        }
        defer { free(resolved) }
        let path = String(cString: resolved)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// Workers are other users, and neither their programs nor their files may lie behind a closed door.
    private static func warnOfClosedFolders(above path: String) throws(SystemError) {
        var path = path
        while path.count > 1 {
            let status = try Folder(path).status(of: ".")
            if status.permissions & 0o001 == 0 {
                Log.write(
                    .warning, "folder.closed",
                    [
                        "folder": path,
                        "hint": "the workers run as other users, who cannot get through; chmod o+x",
                    ])
            }
            path = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        }
    }

    private static func warnOfUnused(_ inherited: [ListeningSocket], _ plan: Plan) {
        let used = plan.openSockets
        for socket in inherited where !used.contains(where: { $0 === socket }) {
            Log.write(
                .warning, "socket.unused",
                [
                    "address": socket.address,
                    "hint": "systemd opened it, but no service of config.json listens there",
                ])
        }
    }

    private static func say(_ text: String) {
        _ = write(1, text, text.utf8.count)
    }

    /// One line per thing that is wrong.
    private static func complain(_ error: Any) {
        for line in String(describing: error).split(separator: "\n") {
            let text = "master: \(line)\n"
            _ = write(2, text, text.utf8.count)
        }
    }
}
