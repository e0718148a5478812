// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Mail
import Synchronization

/// An entry that is ours until this value ends: settled, or back in the queue.
///
/// The lock on the `.env` file ends with the descriptor, so a crash leaves nothing to clean up. Calls block.
package final class RelayClaim: Sendable {
    package let id: QueueID
    private let envelope: Mutex<OpenFile?>
    /// The message, where it was read along with the envelope and is therefore open.
    private let held: Mutex<OpenFile?>
    private let queue: RelayQueue
    /// What it says, until somebody takes it.
    private let text: Mutex<[UInt8]?>
    /// When all this was so.
    private let claimed = Deadline.now
    /// Whether the file ends with a line end; a torn line must not swallow the next one.
    private let endsLine: Atomic<Bool>

    init(
        _ id: QueueID, _ file: consuming File, endsLine: Bool, message: consuming ShortMessage?,
        queue: RelayQueue
    ) {
        self.id = id
        envelope = Mutex(OpenFile(file))
        if let message {
            text = Mutex(message.text)
            held = Mutex(OpenFile(message.file))
        } else {
            text = Mutex(nil)
            held = Mutex(nil)
        }
        self.endsLine = Atomic(endsLine)
        self.queue = queue
    }

    /// A message that was read as a whole.
    struct ShortMessage: ~Copyable {
        let file: File
        let text: [UInt8]
    }

    private final class OpenFile: Sendable {
        let file: File

        init(_ file: consuming File) { self.file = file }
    }

    /// Whether the entry is ours still: its name is there, and the lock.
    ///
    /// The operator may have moved it away; and a shared file system gives the locks of a host that it has not heard
    /// of for a while to others. A lock that nobody has taken meanwhile is taken again.
    ///
    /// - Throws: `SystemError` of fcntl(2) or fstatat(2).
    package func isOurs() throws(SystemError) -> Bool {
        do throws(SystemError) {
            guard let envelope = envelope.withLock({ $0 }), try envelope.file.tryLock() else {
                return false
            }
            let named = try queue.relay.status(of: QueueLayout.envelopeName(id))
            return named.isSameFile(as: try envelope.file.status())
        } catch  where error.isGone || error.code == EBADFD {
            // EBADFD: GlusterFS has given up what was open on a lost connection, with its locks.
            return false
        }
    }

    /// The whole message if it was read with the claim and that is a moment ago, so that nobody need ask whether the
    /// entry is ours still; given out once.
    package func takeFreshText(now: Deadline = .now) -> [UInt8]? {
        let text = text.withLock { text in
            defer { text = nil }
            return text
        }
        return now.seconds(since: claimed) < 1 ? text : nil
    }

    /// From now on nobody sends it again: the envelope's name goes, which ``settle()`` does otherwise.
    ///
    /// The open file keeps its blocks, so that this is quick on a disk that is.
    ///
    /// - Throws: `SystemError` of unlinkat(2).
    package func removeEnvelope() throws(SystemError) {
        try queue.relay.unlink(QueueLayout.envelopeName(id))
    }

    /// Removes the message's name after the envelope's, if that is as quick: if it is open.
    ///
    /// What is left is to ``close()``.
    ///
    /// - Throws: `SystemError` of unlinkat(2), EBUSY where it is not open; what is left is to ``settle()``.
    package func removeHeldMessage() throws(SystemError) {
        guard held.withLock({ $0 != nil }) else {
            throw SystemError("unlinkat", on: QueueLayout.messageName(id), code: EBUSY)
        }
        try queue.relay.unlink(QueueLayout.messageName(id))
    }

    /// Ends the claim, and frees the blocks of an entry whose names are gone.
    package func close() {
        envelope.withLock { $0 = nil }
        held.withLock { $0 = nil }
    }

    /// Flushes what was appended without.
    ///
    /// - Throws: `SystemError` of fdatasync(2); what was appended may be forgotten, and has to be appended again.
    package func synchronize() throws(SystemError) {
        guard let envelope = envelope.withLock({ $0 }) else {
            throw SystemError("fdatasync", on: QueueLayout.envelopeName(id), code: EBADF)
        }
        try envelope.file.synchronize()
    }

    /// Appends events.
    ///
    /// - Parameters:
    ///   - events: In their order.
    ///   - isDurable: False for what may be forgotten after a crash, such as an operator's wish.
    /// - Throws: `SystemError`; what was to be remembered may be forgotten after a crash.
    package func record(
        _ events: [RelayEvent], isDurable: Bool = true
    ) throws(SystemError) {
        guard let envelope = envelope.withLock({ $0 }) else {
            throw SystemError("write", on: QueueLayout.envelopeName(id), code: EBADF)
        }
        var bytes: [UInt8] = endsLine.load(ordering: .relaxed) ? [] : [0x0A]
        for event in events { bytes += EnvelopeFile.line(event) }
        endsLine.store(false, ordering: .relaxed)
        try envelope.file.write(bytes)
        endsLine.store(true, ordering: .relaxed)
        if isDurable { try envelope.file.synchronize() }
    }

    /// The message; it never changes.
    ///
    /// - Throws: `SystemError` of openat(2).
    package func message() throws(SystemError) -> File {
        try File(QueueLayout.messageName(id), in: queue.relay)
    }

    /// Ends the entry: first the envelope, so that nobody ever finds one without its message.
    ///
    /// The claim ends with it, here and now: closing a file whose name is gone is what frees its blocks, and that is
    /// nothing for the thread that talks to the network.
    ///
    /// - Throws: `SystemError` of unlinkat(2); the entry may be there still, and be sent again.
    package func settle() throws(SystemError) {
        for name in [QueueLayout.envelopeName(id), QueueLayout.messageName(id)] {
            do throws(SystemError) {
                try queue.relay.unlink(name)
            } catch  where error.isGone {
                // Gone in an attempt before this one, or by the operator's hand.
                continue
            }
        }
        close()
    }
}
