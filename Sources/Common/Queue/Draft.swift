// SPDX-License-Identifier: Apache-2.0
import CLinux
package import Mail

/// A message that is being received; it vanishes unless it is committed.
///
/// Short ones stay in memory and are written by the commit in one go; longer ones go to a file in `queue/tmp` in
/// parts while they arrive. One task uses a draft, one call after the other.
@MainActor
package final class Draft {
    /// What the message will be called for ever; the Received field names it.
    package let id: QueueID
    /// Octets so far.
    package private(set) var size = 0

    private let queue: Queue
    private var checksum: UInt32 = 0
    private var buffer: [UInt8] = []
    private var file: DraftFile?
    private var isEnded = false

    /// What the entries' names say of the contents so far.
    var claim: EntryName.Claim { EntryName.Claim(size: size, checksum: checksum) }

    init(id: QueueID, queue: Queue) {
        self.id = id
        self.queue = queue
    }

    isolated deinit {
        queue.buffered -= buffer.count
    }

    /// Adds to the end; waits for the disk only when the memory for this draft or for all is used up.
    ///
    /// - Throws: `QueueError`; the draft is of no use any more.
    package func append(_ bytes: [UInt8]) async throws(QueueError) {
        add(bytes.span)
        try await spillIfNeeded()
    }

    /// Adds a part of an array to the end; see ``append(_:)-([UInt8])``.
    package func append(_ bytes: ArraySlice<UInt8>) async throws(QueueError) {
        add(bytes.span)
        try await spillIfNeeded()
    }

    /// Adds to the end without waiting; ``spillIfNeeded()`` must follow before much more is added.
    package func add(_ bytes: Span<UInt8>) {
        precondition(!isEnded, "the draft was committed")
        bytes.withUnsafeBytes { bytes in
            checksum = wm_crc32c(checksum, bytes.baseAddress, bytes.count)
            buffer.append(contentsOf: bytes)
        }
        size += bytes.count
        queue.buffered += bytes.count
    }

    /// Writes what was added to the draft's file if it is more than may stay in memory.
    ///
    /// - Throws: `QueueError`; the draft is of no use any more.
    package func spillIfNeeded() async throws(QueueError) {
        let isMuch = buffer.count > queue.settings.draftMemory
        let isCrowded = queue.buffered > queue.settings.allDraftsMemory && buffer.count >= 4096
        guard isMuch || isCrowded else { return }
        let (folders, id, open, part) = (queue.folders, id, file, takeBuffer())
        file = try await queue.pool.run { () throws(QueueError) in
            do throws(SystemError) {
                let file: DraftFile
                if let open {
                    file = open
                } else {
                    file = try DraftFile(id, in: folders)
                    try file.lock()
                }
                try file.file.write(part)
                return file
            } catch {
                throw QueueError(error)
            }
        }
    }

    /// Makes the message durable as an entry for each account and one for other servers; then it may be acknowledged.
    ///
    /// - Parameters:
    ///   - accounts: One that is named twice gets it once.
    ///   - relay: What relayd transmit is to do; nil when everybody is local.
    /// - Returns: The draft's id, for the reply.
    /// - Throws: `QueueError`; nothing of the message is left.
    @discardableResult
    package func commit(
        to accounts: [AccountName], relay: RelayEnvelope? = nil
    ) async throws(QueueError) -> QueueID {
        precondition(!isEnded && (!accounts.isEmpty || relay != nil))
        isEnded = true
        var entries: [String] = []
        var seen: Set<String> = []
        for account in accounts {
            guard EntryName.canName(account) else { throw .unnameable(account) }
            let name = EntryName(id: id, account: account, claim: claim).text
            if seen.insert(name).inserted { entries.append(name) }
        }
        let envelope = relay.map {
            EnvelopeFile.firstLine(
                RelayEntry(
                    id: id, envelope: $0,
                    claim: RelayEntry.Claim(size: size, checksum: checksum)))
        }
        let commit = Commit(
            folders: queue.folders, id: id, file: file, rest: takeBuffer(), entries: entries,
            envelope: envelope)
        file = nil
        _ = try await queue.pool.run { () throws(QueueError) in try commit.run() }
        return id
    }

    /// Gives the memory and the file back at once; dropping the draft does the same a little later.
    package func discard() {
        isEnded = true
        _ = takeBuffer()
        file = nil
    }

    private func takeBuffer() -> [UInt8] {
        queue.buffered -= buffer.count
        defer { buffer = [] }
        return buffer
    }
}
