// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail

/// The queue's folders, read while the server works on them: nothing here changes or holds an entry.
struct QueueView: ~Copyable {
    let queue: Folder
    /// Octets of a message's beginning that are looked at for its Return-Path.
    private static let headSize = 1024

    /// Opens the queue of an instance.
    ///
    /// - Throws: ``Failure`` when it is not there or this user may not.
    init(_ places: Places) throws(Failure) {
        queue = try translating { () throws(SystemError) in try Folder(places.queue) }
    }

    /// The folder of a place.
    ///
    /// - Throws: `SystemError` of openat(2).
    func folder(_ place: QueuePlace) throws(SystemError) -> Folder {
        try Folder(place.rawValue, in: queue, listable: true)
    }

    /// The entries that a filter admits, oldest first.
    ///
    /// - Parameters:
    ///   - filter: Which.
    ///   - withHistory: Whether their events are wanted one by one.
    ///   - now: The present, in seconds since 1970.
    /// - Returns: What the files say; entries that go meanwhile are passed over.
    /// - Throws: ``Failure`` when a folder cannot be listed.
    func entries(
        _ filter: QueueFilter, withHistory: Bool = false, now: Int = WallClock.seconds
    ) throws(Failure) -> [QueuedEntry] {
        try translating { () throws(SystemError) in
            var found: [QueuedEntry] = []
            for place in QueuePlace.allCases where filter.places.contains(place) {
                let folder = try folder(place)
                let names = try folder.names()
                let known = Set(names)
                for name in names where !QueueLayout.isHidden(name) {
                    guard let subject = Subject(name, in: place, beside: known),
                        filter.admits(name: name, id: subject.id, now: now),
                        let entry = try read(
                            subject, named: name, in: folder, place, withHistory: withHistory),
                        filter.admits(entry)
                    else { continue }
                    found.append(entry)
                }
            }
            // A name begins with the id, where it has one, and ids are in the order of time.
            return found.sorted {
                if ($0.id == nil) != ($1.id == nil) { return $0.id == nil }
                return $0.name < $1.name
            }
        }
    }

    /// Has relayd transmit try every entry for other servers, without a look at any.
    ///
    /// - Returns: Their names, oldest first.
    /// - Throws: ``Failure`` when the folder cannot be listed or touched.
    func touchAllForOthers() throws(Failure) -> [String] {
        try translating { () throws(SystemError) in
            let names = try folder(.relay).names().filter {
                QueueLayout.relayID(ofName: $0) != nil
            }
            if !names.isEmpty { try queue.touch(QueuePlace.relay.rawValue) }
            return names.sorted()
        }
    }

    /// What a name stands for.
    private enum Subject {
        case local(EntryName)
        case relay(QueueID)
        case other(QueueID?, reason: String)

        /// Nil for a file that belongs to another name's entry.
        init?(_ name: String, in place: QueuePlace, beside names: Set<String>) {
            if place != .local, let id = QueueLayout.relayID(ofName: name) {
                self = .relay(id)
            } else if place != .local, name.hasSuffix(".msg"), let id = QueueID(name.dropLast(4)) {
                if names.contains(QueueLayout.envelopeName(id)) || place == .relay { return nil }
                self = .other(id, reason: "a message without its .env")
            } else if place == .relay, name.hasSuffix(".adopt") {
                return nil
            } else if place != .relay, let entry = EntryName(name) {
                self = .local(entry)
            } else {
                self = .other(
                    QueueID(name.prefix(QueueID.textLength)), reason: "its name cannot be read")
            }
        }

        var id: QueueID? {
            switch self {
            case .local(let entry): entry.id
            case .relay(let id): id
            case .other(let id, _): id
            }
        }
    }

    private func read(
        _ subject: Subject, named name: String, in folder: borrowing Folder, _ place: QueuePlace,
        withHistory: Bool
    ) throws(SystemError) -> QueuedEntry? {
        do throws(SystemError) {
            switch subject {
            case .local(let entry): return try readLocal(entry, name, folder, place)
            case .relay(let id):
                return try readRelay(id, name, folder, place, withHistory: withHistory)
            case .other(let id, let reason):
                return QueuedEntry(
                    place: place, name: name, id: id, size: try folder.status(of: name).size,
                    isBusy: false, content: .unreadable(reason: reason))
            }
        } catch  where error.code == ENOENT {
            // Delivered, sent or moved meanwhile.
            return nil
        } catch  where error.code == ELOOP {
            return QueuedEntry(
                place: place, name: name, id: subject.id, size: 0, isBusy: false,
                content: .unreadable(reason: "it is a symbolic link"))
        }
    }

    private func readLocal(
        _ entry: EntryName, _ name: String, _ folder: borrowing Folder, _ place: QueuePlace
    ) throws(SystemError) -> QueuedEntry? {
        let file = try File(name, in: folder, flags: O_RDONLY | O_NONBLOCK)
        let isBusy = try file.isLockedByAnother()
        let status = try file.status()
        guard status.isRegularFile else {
            return QueuedEntry(
                place: place, name: name, id: entry.id, size: 0, isBusy: false,
                content: .unreadable(reason: "it is not a regular file"))
        }
        // In the making: nobody was promised anything yet.
        if place == .local, isBusy, !status.isCommitted { return nil }
        let head = try file.read(atMost: Self.headSize, at: 0)
        return QueuedEntry(
            place: place, name: name, id: entry.id, size: status.size, isBusy: false,
            content: .local(entry, sender: Self.returnPath(in: head)))
    }

    private func readRelay(
        _ id: QueueID, _ name: String, _ folder: borrowing Folder, _ place: QueuePlace,
        withHistory: Bool
    ) throws(SystemError) -> QueuedEntry {
        let file = try File(name, in: folder, flags: O_RDONLY | O_NONBLOCK)
        let isBusy = try file.isLockedByAnother()
        var size = 0
        do throws(SystemError) {
            size = try folder.status(of: QueueLayout.messageName(id)).size
        } catch  where error.code == ENOENT {
            size = 0
        }
        let bytes = try file.readAll()
        let content: QueuedEntry.Content
        do throws(EnvelopeError) {
            content = .relay(
                try EnvelopeFile.parse(bytes, id: id).entry,
                history: withHistory ? EnvelopeFile.history(bytes) : [])
        } catch {
            content = .unreadable(reason: "its .env cannot be read: \(error)")
        }
        return QueuedEntry(
            place: place, name: name, id: id, size: size, isBusy: isBusy, content: content)
    }

    /// The address of a leading `Return-Path:` field; empty for the null sender or without the field.
    static func returnPath(in head: [UInt8]) -> String {
        let line = head.prefix { $0 != 0x0D && $0 != 0x0A }
        let text = String(decoding: line, as: UTF8.self)
        guard text.lowercased().hasPrefix("return-path:"), let start = text.firstIndex(of: "<"),
            let end = text.lastIndex(of: ">"), start < end
        else { return "" }
        return String(text[text.index(after: start)..<end])
    }
}
