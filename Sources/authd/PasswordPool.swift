// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// The threads that hash passwords, and who may use them next.
///
/// Networks take turns; one that nobody has logged in from before has one password checked at a time, so
/// that a bound on wrong passwords also binds who tries many at once. Users known in their network go
/// first. What does not fit into the bounded queue is turned away, for the client to try again.
final class PasswordPool {
    private let pool: BlockingPool
    private let threads: Int
    private var queue: FairQueue<ClientNetwork, UnsafeContinuation<Void, Never>>
    private var running: [ClientNetwork: Int] = [:]
    private var runningCount = 0

    /// A pool of so many threads; by default one per processor, four at most.
    init(threads: Int? = nil, capacity: Int = 1024, perNetwork: Int = 512) {
        let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        self.threads = threads ?? max(1, min(4, processors))
        pool = BlockingPool(threads: self.threads, name: "password")
        queue = FairQueue(capacity: capacity, perKey: perNetwork)
    }

    /// Calls `body` when it is the client's turn; nothing when there is no room to wait.
    ///
    /// - Parameters:
    ///   - client: Whose turn.
    ///   - isKnown: Whether the login is of a user who has logged in from there before.
    ///   - body: Looks again at what may have changed, and checks a password by ``run(_:)``.
    /// - Returns: What `body` returns; nil when it was not called.
    func withTurn<Value>(
        of client: ClientNetwork, isKnown: Bool, _ body: () async -> Value
    ) async -> Value? {
        guard await enter(client, isKnown: isKnown) else { return nil }
        let value = await body()
        leave(client)
        return value
    }

    /// Runs the work on one of the threads.
    ///
    /// - Throws: What the work throws.
    func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await pool.run(work)
    }

    /// Logins that wait for their turn.
    var backlog: Int { queue.count }

    private func enter(_ client: ClientNetwork, isKnown: Bool) async -> Bool {
        var isQueued = false
        await withUnsafeContinuation { continuation in
            isQueued = queue.append(continuation, key: client, isPreferred: isKnown)
            if isQueued { serve() } else { continuation.resume() }
        }
        return isQueued
    }

    private func leave(_ client: ClientNetwork) {
        running[client] = running[client].flatMap { $0 > 1 ? $0 - 1 : nil }
        runningCount -= 1
        serve()
    }

    private func serve() {
        while runningCount < threads,
            let (client, continuation) = queue.next(where: { $1 || running[$0] == nil })
        {
            running[client, default: 0] += 1
            runningCount += 1
            continuation.resume()
        }
    }
}
