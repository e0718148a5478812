// SPDX-License-Identifier: Apache-2.0
import Mail

/// A point in a commit after which a crash leaves something else; docs/queue.md §4 has the table.
enum CommitStep: Hashable, Sendable {
    case opened
    case locked
    case written
    case linked(Int)
    case named
    case synchronized
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
    /// The names in `queue/local`, at least one.
    let entries: [String]
    /// Asked after each step whether to go on; tests stop here as a crash would.
    var goesOn: @Sendable (CommitStep) -> Bool = { _ in true }

    /// Makes the message durable under its names.
    ///
    /// - Returns: False only when a test stopped it.
    /// - Throws: `QueueError`; the names made so far are removed again.
    func run() throws(QueueError) -> Bool {
        var draft = file
        var made: [String] = []
        do throws(SystemError) {
            let isDone = try makeDurable(&draft, &made)
            // A crash would leave the draft's name, if it still has one.
            if !isDone { draft?.forgetName() }
            return isDone
        } catch {
            // Still under the lock, so relayd has passed these over. One that cannot be removed is an orphan.
            for name in made { Self.remove(name, from: folders.local) }
            throw QueueError(error)
        }
    }

    private func makeDurable(
        _ opened: inout DraftFile?, _ made: inout [String]
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

        for (index, name) in entries.dropLast().enumerated() {
            try folders.drafts.link(draft.name, to: name, in: folders.local)
            made.append(name)
            guard goesOn(.linked(index)) else { return false }
        }
        if let last = entries.last {
            try folders.drafts.rename(draft.name, to: last, in: folders.local)
            draft.forgetName()
            made.append(last)
        }
        guard goesOn(.named) else { return false }

        // Never fdatasync, never before the names: see docs/queue.md. Never twice: after a failure the kernel
        // has marked the pages clean, and a second call would lie.
        try draft.file.synchronize()
        guard goesOn(.synchronized) else { return false }
        try folders.flushNames(of: draft.file)
        guard goesOn(.namesSynchronized) else { return false }

        do throws(SystemError) {
            try draft.file.setMode(0o440)
        } catch {
            // The message is durable; relayd will verify it and deliver.
            Log.write(.warning, "queue.unsealed", ["id": id, "error": error])
        }
        return goesOn(.sealed)
    }

    static func remove(_ name: String, from folder: borrowing Folder) {
        do throws(SystemError) {
            try folder.unlink(name)
        } catch {
            Log.write(.error, "queue.remove-failed", ["error": error])
        }
    }
}
