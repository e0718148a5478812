// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A worker's life as master sees it: it inherits descriptors, reports that it is ready and alive, takes orders,
/// and ends.
///
/// Descriptor 3 is the control socket, 4 the slice of the configuration, 5 and on the listening sockets. On the
/// control socket each datagram begins with a word: the worker says `ready` once and `alive` every two seconds;
/// master says `retire`, `authd` with a descriptor, `page` with that of its counters, or (to authd) `client NAME PID`
/// and `admin` with a descriptor.
@MainActor
package final class Worker {
    /// How a worker ends.
    package enum Ending: Sendable {
        /// A newer generation has taken over: finish all sessions in their own time.
        case retire
        /// The service stops: finish what is in mid-air and go, within seconds.
        case stop
    }

    /// The JSON text of this worker's part of the configuration.
    package let slice: [UInt8]
    /// Called for every new connection to authd; the older one is dead.
    package var onAuthd: ((consuming FileDescriptor) -> Void)?
    /// In authd, called for every new client: its program, its process, its socket.
    package var onClient: ((String, Int32, consuming FileDescriptor) -> Void)?
    /// In authd, called for an operator's command: its socket.
    package var onAdmin: ((consuming FileDescriptor) -> Void)?
    /// Called when the worker is to end; called again if a retiring one is to stop.
    package var onEnding: ((Ending) -> Void)?
    /// Set from the first order to end.
    package private(set) var ending: Ending?

    private let control = FileDescriptor(owning: 3)
    private let readiness: Readiness
    private let signals: FileDescriptor
    private let signalReadiness: Readiness
    private var listenersTaken = 0

    /// Runs a worker; the process ends by ``finish()`` or by an error, which is logged.
    ///
    /// - Parameter body: Decodes the slice, locks itself in, says ``ready()`` and serves. When it returns the
    ///   worker goes on with the tasks that it has started.
    package static func run(_ body: @escaping @MainActor (Worker) async throws -> Void) -> Never {
        guard fcntl(3, F_GETFD) >= 0, fcntl(4, F_GETFD) >= 0, getenv("WMAIL_WORKER") != nil else {
            Log.write(
                .error, "worker.alone",
                ["hint": "this program is started by master: master --root DIR"])
            exit(64)
        }
        // The C library reads the time zone's file once; the sandbox would forbid it later.
        tzset()
        EventLoop.run {
            do {
                let worker = try Worker()
                worker.start()
                try await body(worker)
            } catch {
                Log.write(.error, "worker.failed", ["error": String(describing: error)])
                exit(1)
            }
        }
    }

    private init() throws(SystemError) {
        // exec has undone what master asked for; workers of one user must not read each other either.
        try Privileges.hideMemory()
        let memory = File(FileDescriptor(owning: 4), path: "slice")
        slice = try memory.readAll()
        try Self.makeNonBlocking(3)
        readiness = try Readiness(3)
        var mask = sigset_t()
        sigemptyset(&mask)
        for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&mask, number) }
        // Threads started later inherit the mask, so the signals come here only.
        pthread_sigmask(SIG_BLOCK, &mask, nil)
        signals = FileDescriptor(
            owning: try check("signalfd") { signalfd(-1, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK)) }
        )
        signalReadiness = try Readiness(signals.number)
    }

    private static func makeNonBlocking(_ number: Int32) throws(SystemError) {
        let flags = try check("fcntl F_GETFL") { fcntl(number, F_GETFL) }
        try check("fcntl F_SETFL") { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
    }

    /// The next of the inherited listening sockets, in the slice's order.
    package func takeListener() -> Listener {
        defer { listenersTaken += 1 }
        let number = Int32(5 + listenersTaken)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        return Listener(FileDescriptor(owning: number))
    }

    /// Tells master that the worker serves.
    package func ready() {
        Counter.ready.set(1)
        say("ready")
    }

    /// Ends the process in order.
    package func finish() -> Never {
        exit(0)
    }

    /// Ends the process after trouble that was logged; master starts a new worker.
    package func fail() -> Never {
        exit(1)
    }

    private func start() {
        Task { await obey() }
        Task { await heedSignals() }
        Task { await showLife() }
    }

    private func showLife() async {
        while true {
            await sleep(until: .seconds(2))
            say("alive")
        }
    }

    private func say(_ word: String) {
        // A full or broken socket means that master is stuck or gone; obey() sees the latter.
        _ = word.utf8CString.withUnsafeBufferPointer { text in
            send(control.number, text.baseAddress, text.count - 1, Int32(MSG_NOSIGNAL))
        }
    }

    private func obey() async {
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            var passed: Int32 = -1
            let count = wm_receive_descriptor(control.number, &buffer, buffer.count, &passed)
            if count < 0, errno == EAGAIN {
                readiness.isReadable = false
                _ = await readiness.readable(until: nil)
                continue
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                Log.write(
                    .error, "worker.orphaned", ["hint": "master is gone, so this worker ends"])
                exit(1)
            }
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            obey(text.split(separator: " ").map(String.init), passed)
        }
    }

    private func obey(_ words: [String], _ descriptor: Int32) {
        switch words.first {
        case "retire" where descriptor < 0:
            end(.retire)
        case "authd" where descriptor >= 0:
            onAuthd?(FileDescriptor(owning: descriptor))
        case "admin" where descriptor >= 0:
            onAdmin?(FileDescriptor(owning: descriptor))
        case "page" where descriptor >= 0:
            useCounters(FileDescriptor(owning: descriptor))
        case "client" where words.count == 3 && descriptor >= 0:
            onClient?(words[1], Int32(words[2]) ?? 0, FileDescriptor(owning: descriptor))
        default:
            Log.write(.error, "worker.order-unknown", ["order": words.joined(separator: " ")])
        }
    }

    private func useCounters(_ page: consuming FileDescriptor) {
        do throws(SystemError) {
            try CounterPage.use(page)
        } catch {
            Log.write(
                .warning, "scoreboard.missing",
                ["error": error, "hint": "wmail status will not know what this worker does"])
        }
    }

    private func heedSignals() async {
        var information = signalfd_siginfo()
        while true {
            let count = read(signals.number, &information, MemoryLayout<signalfd_siginfo>.size)
            guard count > 0 else {
                signalReadiness.isReadable = false
                _ = await signalReadiness.readable(until: nil)
                continue
            }
            // A terminal sends SIGINT and SIGHUP to every process; only master's word counts.
            if information.ssi_signo == UInt32(SIGTERM) { end(.stop) }
        }
    }

    private func end(_ ending: Ending) {
        self.ending = ending
        onEnding?(ending)
    }
}
