// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// Goes through all entries for other servers, a part of the folder at a time.
///
/// Each part is read on two threads at once, so that a long queue is known in little more than half the time.
final class QueueReading {
    /// Entries with the time, in seconds since 1970, at which each is due.
    typealias Part = [(id: QueueID, next: Int)]

    private let relay: RelayQueue
    private let listing: Listing
    private let pool: BlockingPool

    /// Begins a listing.
    ///
    /// - Throws: `SystemError` of openat(2).
    init(_ relay: RelayQueue, pool: BlockingPool) throws(SystemError) {
        self.relay = relay
        self.pool = pool
        listing = Listing(try relay.listing())
    }

    /// The next part, without entries that are known already or gone; nil at the end.
    ///
    /// - Throws: `SystemError` of reading the folder or one of the files.
    func next(skipping isKnown: (QueueID) -> Bool) async throws(SystemError) -> Part? {
        let listing = listing
        let listed = try await pool.run { () throws(SystemError) in try listing.next() }
        guard let ids = listed?.filter({ !isKnown($0) }) else { return nil }
        let middle = ids.count / 2
        async let first = times(of: ids[..<middle])
        async let second = times(of: ids[middle...])
        let both = await (first, second)
        return try both.0.get() + both.1.get()
    }

    private func times(of ids: ArraySlice<QueueID>) async -> Result<Part, SystemError> {
        if ids.isEmpty { return .success([]) }
        let relay = relay
        do throws(SystemError) {
            return .success(
                try await pool.run { () throws(SystemError) in
                    var part: Part = []
                    for id in ids {
                        if let next = try relay.next(of: id) { part.append((id, next)) }
                    }
                    return part
                })
        } catch {
            return .failure(error)
        }
    }
}

/// A listing that another thread goes on with.
nonisolated private final class Listing: Sendable {
    private let listing: RelayListing

    init(_ listing: consuming RelayListing) { self.listing = listing }

    func next() throws(SystemError) -> [QueueID]? { try listing.next() }
}
