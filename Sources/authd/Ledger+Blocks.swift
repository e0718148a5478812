// SPDX-License-Identifier: Apache-2.0
import Common

/// What an operator sees of blocks, and undoes.
nonisolated extension Ledger {
    /// Somebody who is kept out just now.
    struct Block: Equatable, Sendable {
        let client: ClientNetwork
        let reason: BlockReason
        /// Whether it holds for one user of the network alone, who had logged in from there before.
        let isOfOneUser: Bool
        /// Until it ends.
        let seconds: Int
    }

    /// All blocks that hold.
    func blocks(now: Deadline) -> [Block] {
        let errors = errorBlocks.entries.filter { $0.value > now }.map { client, until in
            Block(
                client: client, reason: .commandErrors, isOfOneUser: false,
                seconds: until.wholeSeconds(since: now))
        }
        let logins = loginBlocks.entries.filter { $0.value > now }.map { suspect, until in
            Block(
                client: suspect.client, reason: .failedLogins, isOfOneUser: suspect.user != nil,
                seconds: until.wholeSeconds(since: now))
        }
        return errors + logins
    }

    /// Ends blocks and forgets what was counted towards the next.
    ///
    /// - Parameters:
    ///   - client: Whose; nil for all.
    ///   - now: The time.
    /// - Returns: The blocks that held.
    mutating func clearBlocks(of client: ClientNetwork?, now: Deadline) -> Int {
        let count = blocks(now: now).filter { client == nil || $0.client == client }.count
        for key in errorBlocks.entries.map(\.key) where client == nil || key == client {
            errorBlocks.remove(key)
        }
        for key in errors.entries.map(\.key) where client == nil || key == client {
            errors.remove(key)
        }
        for key in loginBlocks.entries.map(\.key) where client == nil || key.client == client {
            loginBlocks.remove(key)
        }
        for key in failures.entries.map(\.key) where client == nil || key.client == client {
            failures.remove(key)
        }
        return count
    }
}
