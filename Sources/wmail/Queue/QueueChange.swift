// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail

/// What an operator does to an entry; each is one move, removal or appended line, safe while the server runs.
enum QueueChange: String, Sendable {
    case retry
    case hold
    case release
    case remove

    /// The places in which there is something for it to do.
    var places: Set<QueuePlace> {
        switch self {
        case .retry: [.local, .relay]
        case .hold: [.local, .relay]
        case .release: [.hold]
        case .remove: Set(QueuePlace.allCases)
        }
    }

    /// What was done, in the operator's words.
    var done: String {
        switch self {
        case .retry: "is tried now"
        case .hold: "is held"
        case .release: "is back in the queue"
        case .remove: "is removed"
        }
    }
}

/// Why one entry was left as it is.
enum QueueChangeError: Error, Equatable, CustomStringConvertible {
    /// It was delivered, sent or removed before its turn came.
    case gone
    /// The server is sending it just now.
    case busy
    /// The file cannot be an entry.
    case unreadable(String)
    case system(SystemError)

    var description: String {
        switch self {
        case .gone: "it is no longer there: delivered or removed meanwhile"
        case .busy: "it is being sent just now; try again in a moment"
        case .unreadable(let reason): reason
        case .system(let error): error.description
        }
    }

    /// What usually helps; empty when the description says it.
    var cure: String {
        if case .system(let error) = self { error.cure } else { "" }
    }

    init(_ error: SystemError) {
        self = error.code == ENOENT ? .gone : .system(error)
    }
}

/// Carries changes out on the files, by the rules of `docs/queue.md` §8 and §9.
final class QueueChanger {
    let places: Places
    let relayQueue: RelayQueue
    let local: Folder
    let relay: Folder
    let hold: Folder
    /// How long an entry that is being sent is waited for, in tenths of a second.
    private let patience = 20

    /// Opens the queue of an instance.
    ///
    /// - Throws: `SystemError` of open(2).
    init(_ places: Places) throws(SystemError) {
        self.places = places
        let queue = try Folder(places.queue)
        relayQueue = try RelayQueue(root: places.state)
        local = try Folder(QueuePlace.local.rawValue, in: queue)
        relay = try Folder(QueuePlace.relay.rawValue, in: queue)
        hold = try Folder(QueuePlace.hold.rawValue, in: queue)
    }

    /// Does it to one entry.
    ///
    /// - Throws: ``QueueChangeError``; the entry is as it was.
    func carryOut(_ change: QueueChange, on entry: QueuedEntry) throws(QueueChangeError) {
        do throws(SystemError) {
            switch (change, entry.place, entry.content) {
            case (.retry, .local, _): try local.touch(entry.name)
            case (.retry, .relay, .relay(let relay, _)): try retry(relay.id)
            case (.hold, .local, _): try move(entry.name, from: local, to: hold)
            case (.hold, .relay, .relay(let relay, _)): try holdBack(relay.id)
            case (.release, .hold, .local(let name, _)): try release(name, named: entry.name)
            case (.release, .hold, .relay(let relay, _)): try release(relay)
            case (.remove, .relay, .relay(let relay, _)): try claim(relay.id).settle()
            case (.remove, _, _): try remove(entry)
            default: throw SystemError(change.rawValue, on: entry.name, code: EINVAL)
            }
        } catch {
            if error.code == EBUSY { throw .busy }
            if error.code == EINVAL, case .unreadable(let reason) = entry.content {
                throw .unreadable(reason)
            }
            throw QueueChangeError(error)
        }
    }

    private func move(
        _ name: String, from source: borrowing Folder, to target: borrowing Folder
    ) throws(SystemError) {
        do throws(SystemError) {
            try source.renameToNew(name, to: name, in: target)
        } catch  where error.code == EINVAL {
            // A file system without RENAME_NOREPLACE; ids are unique, so the name is free.
            try source.rename(name, to: name, in: target)
        }
    }

    // MARK: Entries for other servers

    /// Holds the entry's lock, so that no relayd is at work on it.
    private func claim(_ id: QueueID) throws(SystemError) -> RelayClaim {
        for _ in 0..<max(1, patience) {
            switch try relayQueue.claim(id) {
            case .claimed(let claim, _): return claim
            case .gone, .corrupt, .damaged: throw SystemError("claim", on: "\(id)", code: ENOENT)
            case .busy: usleep(100_000)
            }
        }
        throw SystemError("claim", on: "\(id)", code: EBUSY)
    }

    /// Makes it due, and wakes relayd.
    ///
    /// Whoever works on it is trying it already, and does so again because it is touched.
    private func retry(_ id: QueueID) throws(SystemError) {
        if case .claimed(let claim, _) = try relayQueue.claim(id) {
            try claim.record([.postponed(until: WallClock.seconds)], isDurable: false)
        }
        // The lock is free again; relayd looks when the file is touched.
        try relay.touch(QueueLayout.envelopeName(id))
    }

    private func holdBack(_ id: QueueID) throws(SystemError) {
        let claim = try claim(id)
        // The envelope first: an envelope in the queue always has its message.
        try move(QueueLayout.envelopeName(id), from: relay, to: hold)
        try move(QueueLayout.messageName(id), from: relay, to: hold)
        _ = consume claim
    }

    private func release(_ entry: RelayEntry) throws(SystemError) {
        let envelope = QueueLayout.envelopeName(entry.id)
        let message = QueueLayout.messageName(entry.id)
        if let claim = entry.claim, try hold.status(of: message).size != claim.size {
            try HeldEnvelope(entry.id).forgetClaim(in: hold)
        }
        try HeldEnvelope(entry.id).makeDue(in: hold)
        try move(message, from: hold, to: relay)
        try move(envelope, from: hold, to: relay)
        try relay.touch(envelope)
    }

    // MARK: Entries for accounts

    private func release(_ entry: EntryName, named name: String) throws(SystemError) {
        let file = try File(name, in: hold)
        let status = try file.status()
        guard status.isRegularFile else { throw SystemError("release", on: name, code: EINVAL) }
        var target = name
        if let claim = entry.claim {
            let checksum = try file.checksum()
            if claim != EntryName.Claim(size: status.size, checksum: checksum) {
                // Edited while it was held: the name must not claim what the contents no longer are.
                target = EntryName(id: entry.id, account: entry.account, claim: nil).text
            }
        }
        if !status.isCommitted {
            try file.synchronize()
            try file.setMode(0o440)
        }
        try hold.rename(name, to: target, in: local)
        try local.touch(target)
    }

    private func remove(_ entry: QueuedEntry) throws(SystemError) {
        let folder = try Folder("\(places.queue)/\(entry.place.rawValue)")
        try folder.unlink(entry.name)
        guard let id = entry.id, entry.name == QueueLayout.envelopeName(id) else { return }
        do throws(SystemError) {
            try folder.unlink(QueueLayout.messageName(id))
        } catch  where error.code == ENOENT {
            return
        }
    }
}

/// The `.env` of an entry that is held: nobody but the operator works on it.
struct HeldEnvelope {
    let name: String

    init(_ id: QueueID) {
        name = QueueLayout.envelopeName(id)
    }

    /// Appends that the next attempt is due now.
    func makeDue(in hold: borrowing Folder, now: Int = WallClock.seconds) throws(SystemError) {
        let file = try File(name, in: hold, flags: O_RDWR | O_APPEND)
        let size = try file.status().size
        let last = size > 0 ? try file.read(atMost: 1, at: size - 1) : [0x0A]
        try file.write((last == [0x0A] ? [] : [0x0A]) + EnvelopeFile.line(.postponed(until: now)))
        try file.synchronize()
    }

    /// Takes length and checksum out of the first line, because the message was edited.
    func forgetClaim(in hold: borrowing Folder) throws(SystemError) {
        let file = try File(name, in: hold)
        let status = try file.status()
        let bytes = try file.readAll()
        let end = bytes.firstIndex(of: 0x0A) ?? bytes.endIndex
        let first: JSON
        do throws(JSONError) {
            first = try JSON(parsing: Array(bytes[..<end]))
        } catch {
            throw SystemError("read", on: name, code: EINVAL)
        }
        let kept = (first.members ?? []).filter { $0.key != "size" && $0.key != "checksum" }
        let draft = ".\(name).new"
        let copy = try File(draft, in: hold, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o660)
        try copy.write(JSON(.object(kept)).compactBytes + bytes[end...])
        try copy.adopt(status)
        try copy.synchronize()
        try hold.rename(draft, to: name, in: hold)
    }
}
