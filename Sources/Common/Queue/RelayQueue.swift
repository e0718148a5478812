// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
package import Mail

/// The entries for other servers as relayd transmit works on them; docs/queue.md §8.
///
/// All calls block and belong on a thread that may. Any number of processes, on any number of hosts, work on one
/// queue: only who holds the lock on an entry's `.env` file touches it.
package final class RelayQueue: Sendable {
    let relay: Folder
    /// Whether the queue is on a local disk of a kind whose calls are quick: no server can keep them waiting.
    package let isLocal: Bool
    private let root: String

    /// Octets of a file's end that tell when the next attempt is due.
    private static let tailSize = 4096
    /// The longest `.env` file that is read: a hundred thousand recipients.
    private static let envelopeLimit = 64 << 20

    /// Opens the queue of the instance in `root`.
    ///
    /// - Throws: `SystemError` of open(2) or fstatfs(2).
    package init(root: String) throws(SystemError) {
        self.root = root
        relay = try Folder("\(QueueLayout.path(root: root))/\(QueueLayout.relay)", listable: true)
        let number = relay.number
        let type = try check("fstatfs", on: relay.path) { wm_file_system_type(number) }
        isLocal = FileSystem(rawValue: type) != nil
    }

    // MARK: Looking

    /// Begins a listing of the ids of all entries.
    ///
    /// - Throws: `SystemError` of openat(2).
    package func listing() throws(SystemError) -> RelayListing {
        RelayListing(try FolderListing(relay))
    }

    /// When the entry's next attempt is due, without holding it.
    ///
    /// - Returns: Seconds since 1970, 0 for at once; nil when the entry is gone.
    /// - Throws: `SystemError` of openat(2) or pread(2).
    package func next(of id: QueueID) throws(SystemError) -> Int? {
        do throws(SystemError) {
            let file = try File(QueueLayout.envelopeName(id), in: relay)
            // Nearly all are shorter than this, and then it is the whole file.
            var tail = try file.read(atMost: Self.tailSize, at: 0)
            if tail.count == Self.tailSize {
                let size = try file.status().size
                tail = try file.read(atMost: Self.tailSize, at: max(0, size - Self.tailSize))
            }
            // What this cannot read, a claim will look at as a whole.
            return EnvelopeFile.next(inTail: tail) ?? 0
        } catch  where error.isGone {
            return nil
        } catch  where error.code == EACCES || error.code == EIO {
            // One file's trouble is no reason to know nothing of the others; its claim tells of it.
            return 0
        }
    }

    // MARK: Claiming

    /// What came of an attempt to claim an entry.
    package enum Claimed: Sendable {
        case claimed(RelayClaim, RelayEntry)
        /// Somebody else works on it, or has not finished writing it.
        case busy
        case gone
        /// Not to be understood, or not whole: it is where it was.
        case damaged(String)
        /// The same: it lies in `queue/corrupt` now.
        case corrupt(String)
    }

    /// Holds the entry if nobody else does.
    ///
    /// - Parameters:
    ///   - id: The entry.
    ///   - limit: A message of no more octets is read at once, for ``RelayClaim/takeFreshText()``.
    ///   - sparesDamaged: Whether what is damaged stays, because somebody may be mending it.
    /// - Returns: The claim with what the envelope says, or why there is none.
    /// - Throws: `SystemError` for trouble that may pass; the entry stays.
    package func claim(
        _ id: QueueID, readingUpTo limit: Int = 0, sparesDamaged: Bool = false
    ) throws(SystemError) -> Claimed {
        do throws(SystemError) {
            return try lockAndRead(id, limit, sparesDamaged)
        } catch  where error.isGone {
            // On a shared file system any call may find that another host has removed the file.
            return .gone
        }
    }

    private func lockAndRead(
        _ id: QueueID, _ limit: Int, _ sparesDamaged: Bool
    ) throws(SystemError) -> Claimed {
        func damaged(_ reason: String) -> Claimed {
            sparesDamaged ? .damaged(reason) : setApart(id, because: reason)
        }
        let name = QueueLayout.envelopeName(id)
        let file: File
        do throws(SystemError) {
            file = try File(name, in: relay, flags: O_RDWR | O_APPEND)
        } catch  where error.code == EACCES {
            return try adopt(id, limit, sparesDamaged)
        } catch  where error.code == ELOOP {
            return damaged("its .env is a symbolic link")
        }
        guard try file.tryLock() else { return .busy }
        // The name may have gone, or mean another file, before the lock was ours.
        let status = try file.status()
        guard try relay.status(of: name).isSameFile(as: status) else { return .busy }
        guard status.isRegularFile else {
            return damaged("its .env is not a regular file")
        }
        let bytes = try file.readAll(limit: Self.envelopeLimit)
        let entry: RelayEntry
        do throws(EnvelopeError) {
            let parsed = try EnvelopeFile.parse(bytes, id: id)
            entry = parsed.entry
            if parsed.unreadable > 0 {
                Log.write(
                    .warning, "queue.lines-unreadable", ["id": id, "lines": parsed.unreadable])
            }
        } catch {
            return damaged("its .env cannot be read: \(error)")
        }
        let isSealed = status.permissions & 0o020 != 0
        let message: RelayClaim.ShortMessage?
        switch try inspect(id, entry.claim, isSealed: isSealed, limit) {
        case .damaged(let reason): return damaged(reason)
        case .whole(let read): message = read
        }
        if !isSealed {
            try file.synchronize()
            do throws(SystemError) {
                try file.setMode(0o660)
            } catch  where error.code == EPERM {
                // Somebody else's file that we may write to: as good as sealed.
            }
        }
        let claim = RelayClaim(
            id, file, endsLine: bytes.last == 0x0A, message: message, queue: self)
        return .claimed(claim, entry)
    }

    /// What a look at a message shows.
    private enum Inspection: ~Copyable {
        /// It can be sent; read where it is short.
        case whole(RelayClaim.ShortMessage?)
        /// Why it cannot be sent.
        case damaged(String)
    }

    /// Whether the message can be sent.
    ///
    /// A sealed entry's message was flushed before: its length is looked at, as that costs nothing. Of an orphan
    /// nobody knows what the disk has, so all of it is compared, and flushed.
    private func inspect(
        _ id: QueueID, _ claim: RelayEntry.Claim?, isSealed: Bool, _ limit: Int
    ) throws(SystemError) -> Inspection {
        do throws(SystemError) {
            let message = try File(QueueLayout.messageName(id), in: relay)
            let status = try message.status()
            guard status.isRegularFile else { return .damaged("its .msg is not a regular file") }
            if let claim {
                guard status.size == claim.size else {
                    return .damaged(
                        "its .msg has \(status.size) octets, and its .env claims \(claim.size)")
                }
                if !isSealed {
                    guard try message.checksum() == claim.checksum else {
                        return .damaged(
                            "its .msg does not have the checksum that its .env claims")
                    }
                    try message.synchronize()
                }
            }
            guard status.size <= limit else { return .whole(nil) }
            let text = try message.read(atMost: status.size, at: 0)
            return .whole(
                text.count == status.size
                    ? RelayClaim.ShortMessage(file: message, text: text) : nil)
        } catch  where error.isGone {
            // Whoever settles an entry removes the envelope first.
            _ = try relay.status(of: QueueLayout.envelopeName(id))
            return .damaged("it has no .msg")
        }
    }

    /// Takes over the envelope of a writer that died before it gave us the right to write.
    ///
    /// The copy is made under a fixed name, so that only one process does it.
    private func adopt(
        _ id: QueueID, _ limit: Int, _ sparesDamaged: Bool
    ) throws(SystemError) -> Claimed {
        let name = QueueLayout.envelopeName(id)
        let original = try File(name, in: relay)
        if try original.isLockedByAnother() { return .busy }
        let copyName = QueueLayout.adoptedName(id)
        do throws(SystemError) {
            let copy = try File(
                copyName, in: relay, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o640)
            guard try copy.tryLock() else { return .busy }
            try copy.write(try original.readAll(limit: Self.envelopeLimit))
            try copy.synchronize()
            try relay.rename(copyName, to: name, in: relay)
            Log.write(.notice, "queue.adopted", ["id": id])
        } catch  where error.code == EEXIST {
            return .busy
        }
        return try claim(id, readingUpTo: limit, sparesDamaged: sparesDamaged)
    }

    // MARK: Moving aside

    /// Moves an entry that is ours to `queue/hold`, until the operator moves it back.
    ///
    /// - Throws: `SystemError` of renameat(2).
    package func hold(_ claim: RelayClaim) throws(SystemError) {
        try move(claim.id, to: QueueLayout.hold)
    }

    /// Moves the entry to `queue/corrupt`, where nobody looks at it but the operator; nothing is ever deleted.
    private func setApart(_ id: QueueID, because reason: String) -> Claimed {
        do throws(SystemError) {
            try move(id, to: QueueLayout.corrupt)
            Log.write(
                .error, "queue.corrupt",
                [
                    "id": id, "reason": reason, "movedTo": "queue/corrupt",
                    "hint": "look at it; docs/queue.md §8 tells how to put it back",
                ])
            return .corrupt(reason)
        } catch {
            Log.write(.error, "queue.corrupt", ["id": id, "reason": reason, "error": error])
            return .busy
        }
    }

    private func move(_ id: QueueID, to name: String) throws(SystemError) {
        let target = try Folder(
            name, in: try Folder(QueueLayout.path(root: root)))
        try move(QueueLayout.envelopeName(id), to: target)
        do throws(SystemError) {
            try move(QueueLayout.messageName(id), to: target)
        } catch  where error.isGone {
            return
        }
    }

    /// Moves a file, also where it has that name in the other folder already: rename(2) then does nothing and says that
    /// it did.
    ///
    /// A hand makes such names, and GlusterFS, when it brings together what a host that was cut off has missed.
    private func move(_ name: String, to target: borrowing Folder) throws(SystemError) {
        try relay.rename(name, to: name, in: target)
        do throws(SystemError) {
            let left = try relay.status(of: name)
            if left.isSameFile(as: try target.status(of: name)) { try relay.unlink(name) }
        } catch  where error.isGone {
            return
        }
    }
}

/// The ids of all entries, a few hundred at a time.
package struct RelayListing: ~Copyable, Sendable {
    private let listing: FolderListing

    init(_ listing: consuming FolderListing) {
        self.listing = listing
    }

    /// The next ids, in no particular order; nil at the end.
    ///
    /// - Throws: `SystemError` of getdents64(2).
    package func next() throws(SystemError) -> [QueueID]? {
        guard let names = try listing.next() else { return nil }
        return names.compactMap { QueueLayout.relayID(ofName: $0) }
    }
}
