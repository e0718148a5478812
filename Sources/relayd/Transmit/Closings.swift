// SPDX-License-Identifier: Apache-2.0
import Common

/// Entries whose names are gone and whose files are still open: closing is what frees their blocks, which takes time
/// that nobody has to wait for.
final class Closings {
    private let pool: BlockingPool
    private var claims: [RelayClaim] = []
    /// Threads that close.
    private var busy = 0

    nonisolated private static let threads = 4
    /// More than these are not left to wait.
    nonisolated private static let most = 256

    /// Closings on the threads of a pool.
    init(on pool: BlockingPool) {
        self.pool = pool
    }

    /// Whether another one may be added.
    var hasRoom: Bool { claims.count < Self.most }

    /// Closes the files of an entry, soon; this must have been the last to hold them.
    func add(_ claim: RelayClaim) {
        claims.append(claim)
        guard busy < Self.threads else { return }
        busy += 1
        // Those of this turn of the event loop go together.
        Task {
            while !claims.isEmpty {
                let batch = claims
                claims = []
                await pool.run { for claim in batch { claim.close() } }
            }
            busy -= 1
        }
    }
}
