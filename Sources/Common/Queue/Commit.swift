// SPDX-License-Identifier: Apache-2.0
import Mail

/// A point in a commit after which a crash leaves something else; docs/queue.md §4 has the table.
enum CommitStep: Hashable, Sendable {
    case opened
    case locked
    case written
    /// With an entry for other servers only, like ``relayLinked`` and ``envelopeNamed``.
    case envelopeWritten
    case relayLinked
    case linked(Int)
    case named
    case envelopeNamed
    case synchronized
    case envelopeSynchronized
    case namesSynchronized
    case sealed
}

/// The one durability strategy: write, give all names, flush once, seal.
///
/// It runs on a thread that may block. The order of the calls is what the promise "acknowledged means delivered"
/// rests on; docs/queue.md §4 says what each leaves behind.
struct Commit: Sendable {
    let folders: QueueFolders
    let id: QueueID
    /// The draft's file, when parts of the message were too long for memory.
    let file: DraftFile?
    /// The message, or what of it is not yet in the file.
    let rest: [UInt8]
    /// The names in `queue/local`; at least one, or else `envelope`.
    let entries: [String]
    /// The first line of the `.env` file when the message also, or only, goes to other servers.
    var envelope: [UInt8]?
    /// Asked after each step whether to go on; tests stop here as a crash would.
    var goesOn: @Sendable (CommitStep) -> Bool = { _ in true }

    /// Makes the message durable under its names.
    ///
    /// - Returns: False only when a test stopped it.
    /// - Throws: `QueueError`; the names made so far are removed again.
    func run() throws(QueueError) -> Bool {
        var draft = file
        var draftedEnvelope: DraftFile?
        var made = Made()
        do throws(SystemError) {
            if envelope != nil { draftedEnvelope = try DraftFile(envelopeOf: id, in: folders) }
            let isDone = try makeDurable(&draft, draftedEnvelope, &made)
            // A crash would leave the drafts' names, if they still have them.
            if !isDone {
                draft?.forgetName()
                draftedEnvelope?.forgetName()
            }
            return isDone
        } catch {
            // Still under the lock, so relayd has passed these over. One that cannot be removed is an orphan.
            for name in made.relay.reversed() { Self.remove(name, from: folders.relay) }
            for name in made.local { Self.remove(name, from: folders.local) }
            throw QueueError(error)
        }
    }

    /// Names that a failure takes back.
    private struct Made {
        var local: [String] = []
        var relay: [String] = []
    }

    private func makeDurable(
        _ opened: inout DraftFile?, _ envelopeFile: DraftFile?, _ made: inout Made
    ) throws(SystemError) -> Bool {
        let draft: DraftFile
        if let opened {
            draft = opened
        } else {
            draft = try DraftFile(id, in: folders)
            opened = draft
            guard goesOn(.opened) else { return false }
            try draft.lock()
            guard goesOn(.locked) else { return false }
        }
        try draft.file.write(rest)
        guard goesOn(.written) else { return false }

        if let envelopeFile, let envelope {
            try envelopeFile.lock()
            try envelopeFile.file.write(envelope)
            guard goesOn(.envelopeWritten) else { return false }
            if !entries.isEmpty {
                let name = QueueLayout.messageName(id)
                try folders.drafts.link(draft.name, to: name, in: folders.relay)
                made.relay.append(name)
                guard goesOn(.relayLinked) else { return false }
            }
        }
        for (index, name) in entries.dropLast().enumerated() {
            try folders.drafts.link(draft.name, to: name, in: folders.local)
            made.local.append(name)
            guard goesOn(.linked(index)) else { return false }
        }
        if let last = entries.last {
            try folders.drafts.rename(draft.name, to: last, in: folders.local)
            draft.forgetName()
            made.local.append(last)
        } else {
            // The last name is a local one if there is any: the fchmod below is reported for that name only, and
            // relayd deliver waits for it. The envelope's own fchmod wakes relayd transmit.
            let name = QueueLayout.messageName(id)
            try folders.drafts.rename(draft.name, to: name, in: folders.relay)
            draft.forgetName()
            made.relay.append(name)
        }
        guard goesOn(.named) else { return false }
        if let envelopeFile {
            // An entry is an envelope: this name comes last, when its message is there.
            let name = QueueLayout.envelopeName(id)
            try folders.drafts.rename(envelopeFile.name, to: name, in: folders.relay)
            envelopeFile.forgetName()
            made.relay.append(name)
            guard goesOn(.envelopeNamed) else { return false }
            // Only so that the flush of the message finds the envelope's blocks under way and takes them along;
            // nothing depends on it.
            envelopeFile.file.beginWriting()
        }

        // Never fdatasync, never before the names: see docs/queue.md. Never twice: after a failure the kernel
        // has marked the pages clean, and a second call would lie.
        try draft.file.synchronize()
        guard goesOn(.synchronized) else { return false }
        if let envelopeFile {
            try envelopeFile.file.synchronize()
            guard goesOn(.envelopeSynchronized) else { return false }
        }
        try folders.flushNames(of: draft.file, relays: envelopeFile != nil)
        guard goesOn(.namesSynchronized) else { return false }

        seal(draft, 0o440)
        if let envelopeFile { seal(envelopeFile, 0o660) }
        return goesOn(.sealed)
    }

    private func seal(_ draft: DraftFile, _ mode: UInt32) {
        do throws(SystemError) {
            try draft.file.setMode(mode)
        } catch {
            // The message is durable; relayd will verify it and deliver.
            Log.write(.warning, "queue.unsealed", ["id": id, "error": error])
        }
    }

    static func remove(_ name: String, from folder: borrowing Folder) {
        do throws(SystemError) {
            try folder.unlink(name)
        } catch {
            Log.write(.error, "queue.remove-failed", ["error": error])
        }
    }
}
