// SPDX-License-Identifier: Apache-2.0
@_spi(ExperimentalCustomExecutors) import _Concurrency
import CLinux
import Glibc

/// Runs every job of the process on the thread that called ``run()``.
///
/// Unchecked, because `jobs` is touched by the loop's thread only and `foreign` under `lock` only.
final class LoopExecutor: MainExecutor, TaskExecutor, @unchecked Sendable {
    static let shared = LoopExecutor()

    /// An eventfd; readable when another thread has left a job.
    let wake: Int32
    private let thread: pthread_t
    private var jobs: [UnownedJob] = []
    private var running: [UnownedJob] = []

    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private var foreign: [UnownedJob] = []
    private var foreignSignalled = false

    private init() {
        thread = pthread_self()
        wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        precondition(wake >= 0, "eventfd failed")
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if pthread_equal(pthread_self(), thread) != 0 {
            jobs.append(job)
            return
        }
        pthread_mutex_lock(lock)
        foreign.append(job)
        let signal = !foreignSignalled
        foreignSignalled = true
        pthread_mutex_unlock(lock)
        guard signal else { return }
        var one: UInt64 = 1
        // Cannot fail: the counter is read before it can overflow.
        _ = write(wake, &one, 8)
    }

    /// Takes over what other threads have left.
    func acknowledgeWake() {
        var count: UInt64 = 0
        _ = read(wake, &count, 8)
        pthread_mutex_lock(lock)
        jobs.append(contentsOf: foreign)
        foreign.removeAll(keepingCapacity: true)
        foreignSignalled = false
        pthread_mutex_unlock(lock)
    }

    func run() throws {
        MainActor.assumeIsolated {
            while true {
                // A few rounds before the kernel is asked again: a job often makes the next one.
                var rounds = 0
                while !jobs.isEmpty, rounds < 4 {
                    runBatch()
                    rounds += 1
                }
                EventLoop.shared.turn(jobsWaiting: !jobs.isEmpty)
            }
        }
    }

    private func runBatch() {
        swap(&jobs, &running)
        for job in running {
            job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
        running.removeAll(keepingCapacity: true)
    }

    func stop() {
        preconditionFailure("the loop ends with the process")
    }

    func checkIsolated() {
        precondition(pthread_equal(pthread_self(), thread) != 0, "not on the event loop's thread")
    }

    func isIsolatingCurrentContext() -> Bool? {
        pthread_equal(pthread_self(), thread) != 0
    }
}

/// Makes the loop both the main actor's executor and the default one: no other thread runs Swift tasks.
struct LoopExecutors: ExecutorFactory {
    static var mainExecutor: any MainExecutor { LoopExecutor.shared }
    static var defaultExecutor: any TaskExecutor { LoopExecutor.shared }
}
