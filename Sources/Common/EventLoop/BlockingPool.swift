// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A few threads for what may block: fsync, directory scans, password hashes, name resolution.
///
/// Unchecked, because all stored state is touched under `lock` only.
package final class BlockingPool: @unchecked Sendable {
    private let name: String
    private let limit: Int
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var waiting: [@Sendable () -> Void] = []
    private var next = 0
    private var threads = 0
    private var idle = 0

    /// A pool whose threads start as they are needed and then stay.
    ///
    /// - Parameters:
    ///   - threads: The most that run at once.
    ///   - name: Shown by ps(1) and gdb(1); 15 octets count.
    package init(threads: Int, name: String) {
        precondition(threads > 0)
        self.name = name
        limit = threads
        lock = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(condition, nil)
    }

    /// Runs the work on one of the threads, waiting for a free one if all are busy.
    ///
    /// The caller hands it over itself, and not in a turn of its own behind all that waits for the event loop.
    ///
    /// - Throws: What the work throws.
    nonisolated(nonsending) package func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withUnsafeContinuation { continuation in
            submit {
                do throws(Failure) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// Jobs that wait for a thread.
    package var backlog: Int {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return waiting.count - next
    }

    private func submit(_ job: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(lock)
        waiting.append(job)
        let start = idle == 0 && threads < limit
        if start { threads += 1 }
        pthread_mutex_unlock(lock)
        if start { startThread() } else { pthread_cond_signal(condition) }
    }

    private func startThread() {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        // Enough for getaddrinfo and crypt with its state on the heap; the default is 8 MiB of address space.
        pthread_attr_setstacksize(&attributes, 512 << 10)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let pool = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<BlockingPool>.fromOpaque(argument).takeRetainedValue().work()
                return nil
            }, pool)
        pthread_attr_destroy(&attributes)
        guard code != 0 else { return }
        Unmanaged<BlockingPool>.fromOpaque(pool).release()
        pthread_mutex_lock(lock)
        threads -= 1
        let alone = threads == 0
        pthread_mutex_unlock(lock)
        // With another thread alive the job only waits longer; without any it would wait for ever.
        precondition(
            !alone, "no thread can be started: \(SystemError("pthread_create", code: code))")
    }

    private func work() {
        wm_name_thread(name)
        while true {
            pthread_mutex_lock(lock)
            while next == waiting.count {
                waiting.removeAll(keepingCapacity: true)
                next = 0
                idle += 1
                pthread_cond_wait(condition, lock)
                idle -= 1
            }
            let job = waiting[next]
            waiting[next] = {}
            next += 1
            pthread_mutex_unlock(lock)
            job()
        }
    }
}
