// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// What inotify told of a folder.
nonisolated enum FolderEvent: Equatable, Sendable {
    /// A further link of a message that is being committed.
    case created(String)
    /// Its permission bits or times were changed: a commit was sealed, or somebody touched it.
    case changed(String)
    /// The same of the folder itself: somebody wants all of it tried.
    case touched
    /// Events were lost, or the folder itself was replaced: look for yourself.
    case lost
}

/// inotify on one folder.
///
/// The rename that gives a message its last name is not asked for: the message is not deliverable before the
/// fchmod that follows, and waking up twice would cost more.
final class FolderWatch {
    /// Bytes of a `struct inotify_event` before the name.
    nonisolated private static let headerSize = 16

    private let path: String
    private let noticesNew: Bool
    private let descriptor: FileDescriptor
    private let readiness: Readiness
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// Begins to watch.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - noticesNew: Whether further links of a message are told of.
    /// - Throws: `SystemError` of inotify_init1(2) or inotify_add_watch(2).
    init(_ path: String, noticesNew: Bool) throws(SystemError) {
        self.path = path
        self.noticesNew = noticesNew
        descriptor = FileDescriptor(
            owning: try check("inotify_init1") {
                inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
            })
        readiness = try Readiness(descriptor.number)
        try watch()
    }

    private func watch() throws(SystemError) {
        let events = IN_ATTRIB | IN_ONLYDIR | (noticesNew ? IN_CREATE : 0)
        try check("inotify_add_watch", on: path) {
            inotify_add_watch(descriptor.number, path, UInt32(events))
        }
    }

    /// Waits for events, until the deadline or ``interrupt()``.
    func wait(until deadline: Deadline) async -> WaitResult {
        await readiness.readable(until: deadline)
    }

    /// Ends the present wait, or the next.
    func interrupt() {
        readiness.interrupt()
    }

    /// The events that are there; empty when there are none.
    func events() -> [FolderEvent] {
        let (number, size) = (descriptor.number, buffer.count)
        let count: Int
        do throws(SystemError) {
            count = try check("read", on: path) { read(number, &buffer, size) }
        } catch {
            readiness.isReadable = false
            if error.code == EAGAIN { return [] }
            Log.write(.error, "delivery.watch-failed", ["error": error])
            return [.lost]
        }
        // Not full, so nothing was left when we read; what comes now is a new edge.
        if count < size - Self.headerSize - 256 { readiness.isReadable = false }
        let events = Self.parse(buffer.span.extracting(0..<count))
        if events.contains(.lost) { watchAgain() }
        return events
    }

    private func watchAgain() {
        do throws(SystemError) {
            // The same folder as before gives the same watch: no harm after a mere overflow.
            try watch()
        } catch {
            Log.write(
                .error, "delivery.watch-failed",
                ["error": error, "hint": "new messages are now found by the slow scan only"])
        }
    }

    /// Reads the records of inotify(7).
    nonisolated static func parse(_ bytes: Span<UInt8>) -> [FolderEvent] {
        var events: [FolderEvent] = []
        var offset = 0
        while offset + headerSize <= bytes.count {
            let (mask, length) = bytes.withUnsafeBytes { bytes in
                (
                    bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self),
                    Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
                )
            }
            let end = offset + headerSize + length
            guard end <= bytes.count else { return events + [.lost] }
            let octets = bytes.extracting(offset + headerSize..<end).withUnsafeBytes { bytes in
                bytes.prefix { $0 != 0 }.map(\.self)
            }
            offset = end
            if mask & (UInt32(IN_Q_OVERFLOW) | UInt32(IN_IGNORED) | UInt32(IN_UNMOUNT)) != 0 {
                events.append(.lost)
            } else if length == 0 {
                if mask & UInt32(IN_ATTRIB) != 0 { events.append(.touched) }
            } else {
                let name = String(decoding: octets, as: UTF8.self)
                events.append(mask & UInt32(IN_CREATE) != 0 ? .created(name) : .changed(name))
            }
        }
        return events
    }
}
