// SPDX-License-Identifier: Apache-2.0
@_spi(ExperimentalCustomExecutors) import _Concurrency
import CLinux
import Glibc

/// The one thread on which everything of a worker runs that concerns connections: epoll as Swift's main executor.
///
/// A task that waits for a socket, a timer or a disk thread is suspended; the loop resumes it when the kernel or
/// the clock says so. Nothing here may block.
@MainActor
package final class EventLoop {
    /// The loop of this process.
    package static let shared = EventLoop()

    let timers = Timers()
    private let epoll: FileDescriptor
    private var events = [epoll_event](repeating: epoll_event(), count: 256)

    private init() {
        do throws(SystemError) {
            epoll = FileDescriptor(
                owning: try check("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
            try add(LoopExecutor.shared.wake, events: EPOLLIN.rawValue, data: 0)
        } catch {
            preconditionFailure("no event loop: \(error)")
        }
    }

    /// Makes the loop this process's executor, starts `body` on it, and turns for ever; the process ends by exit(3).
    ///
    /// - Parameter body: The program; it runs as a task on the loop.
    package static func run(_ body: @escaping @MainActor () async -> Void) -> Never {
        // A peer that is gone is an error of write(2), not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        _createExecutors(factory: LoopExecutors.self)
        Task { @MainActor in await body() }
        do {
            try LoopExecutor.shared.run()
        } catch {
            preconditionFailure("the event loop failed: \(error)")
        }
        preconditionFailure("the event loop ended")
    }

    /// One turn: waits for the kernel unless jobs are waiting, then wakes who has something to do.
    func turn(jobsWaiting: Bool) {
        let timeout: Int32 = jobsWaiting ? 0 : timers.millisecondsToNext()
        let count = epoll_wait(epoll.number, &events, Int32(events.count), timeout)
        if count > 0 {
            for index in 0..<Int(count) {
                let event = events[index]
                guard event.data.u64 != 0 else {
                    LoopExecutor.shared.acknowledgeWake()
                    continue
                }
                // Readiness takes itself out of epoll before it ends, so the pointer is alive.
                guard let pointer = UnsafeRawPointer(bitPattern: UInt(event.data.u64)) else {
                    continue
                }
                Unmanaged<Readiness>.fromOpaque(pointer).takeUnretainedValue().occurred(
                    event.events)
            }
        }
        timers.fire()
    }

    func add(_ descriptor: Int32, events: UInt32, data: UInt64) throws(SystemError) {
        var event = epoll_event()
        event.events = events
        event.data.u64 = data
        try check("epoll_ctl ADD") { epoll_ctl(epoll.number, EPOLL_CTL_ADD, descriptor, &event) }
    }

    func modify(_ descriptor: Int32, events: UInt32, data: UInt64) {
        var event = epoll_event()
        event.events = events
        event.data.u64 = data
        // Fails only for a descriptor that is not registered.
        let result = epoll_ctl(epoll.number, EPOLL_CTL_MOD, descriptor, &event)
        precondition(result == 0, "epoll_ctl MOD failed")
    }

    func remove(_ descriptor: Int32) {
        // Fails only when the descriptor is not there any more, which is what we want.
        _ = epoll_ctl(epoll.number, EPOLL_CTL_DEL, descriptor, nil)
    }
}

/// Suspends the task until the deadline.
///
/// - Parameter deadline: Returns at once when it has passed.
@MainActor
package func sleep(until deadline: Deadline) async {
    await withUnsafeContinuation { continuation in
        let timer = Timer { continuation.resume() }
        EventLoop.shared.timers.set(timer, to: deadline)
    }
}
