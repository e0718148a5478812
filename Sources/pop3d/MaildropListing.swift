// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import POP3

/// The messages of a mailbox in order of arrival, told by file names alone; kept in columns.
nonisolated struct MaildropListing: Sendable {
    /// Where a message lies.
    enum Place: UInt8, CaseIterable, Sendable {
        case new
        case cur

        var folder: String { self == .new ? "new" : "cur" }
    }

    /// One message; the name stands in ``names``.
    struct Entry: Sendable {
        var arrival: UInt64
        var random: UInt64
        /// Octets as sent; negative while they are unknown.
        var size: Int
        var start: UInt32
        var length: UInt16
        var baseLength: UInt16
        var uniqueIDStart: UInt8
        var uniqueIDLength: UInt8
        var place: Place
        var isOurs: Bool
    }

    private var names: [UInt8] = []
    private(set) var entries: [Entry] = []
    /// Further names of a message, by its index: it was delivered again, or seen before and after a rename.
    private(set) var duplicates: [Int: [Entry]] = [:]
    /// Unique ids that are not the beginning of the name, by index.
    private var otherIDs: [Int: [UInt8]] = [:]

    /// Lists `new` and then `cur`: what another program moves in between is seen twice, never not at all.
    ///
    /// - Throws: `SystemError`; a folder that is not there is empty.
    init(_ maildir: borrowing Folder) throws(SystemError) {
        for place in Place.allCases {
            try forEachFile(in: place.folder, of: maildir) { name in append(name, place) }
        }
        arrange()
    }

    /// The file's name.
    func name(_ entry: Entry) -> ArraySlice<UInt8> {
        names[Int(entry.start)..<Int(entry.start) + Int(entry.length)]
    }

    /// The part of the file's name that never changes.
    func base(_ entry: Entry) -> ArraySlice<UInt8> { name(entry).prefix(Int(entry.baseLength)) }

    /// What UIDL says.
    func uniqueID(at index: Int) -> ArraySlice<UInt8> {
        if let other = otherIDs[index] { return other[...] }
        return nameID(entries[index])
    }

    /// The unique id as the name has it.
    private func nameID(_ entry: Entry) -> ArraySlice<UInt8> {
        name(entry).dropFirst(Int(entry.uniqueIDStart)).prefix(Int(entry.uniqueIDLength))
    }

    /// The file, relative to the Maildir, for C.
    func path(_ entry: Entry) -> MessagePath { MessagePath(entry.place, name(entry)) }

    /// The same for the session.
    var maildrop: Maildrop {
        var maildrop = Maildrop()
        maildrop.reserve(entries.count)
        for (index, entry) in entries.enumerated() {
            maildrop.append(size: max(0, entry.size), uniqueID: uniqueID(at: index))
        }
        return maildrop
    }

    /// Notes what was found out by reading a message.
    mutating func setSize(_ size: Int, at index: Int) {
        entries[index].size = size
    }

    private mutating func append(_ bytes: UnsafeBufferPointer<UInt8>, _ place: Place) {
        guard let name = MessageName(bytes) else { return }
        entries.append(
            Entry(
                arrival: name.arrival, random: name.random, size: name.size ?? -1,
                start: UInt32(names.count), length: UInt16(bytes.count),
                baseLength: UInt16(name.baseLength),
                uniqueIDStart: UInt8(name.uniqueIDStart),
                uniqueIDLength: UInt8(name.uniqueIDLength ?? 0), place: place, isOurs: name.isOurs))
        names.append(contentsOf: bytes)
    }

    private mutating func arrange() {
        let names = names
        names.withUnsafeBufferPointer { names in
            entries.sort { left, right in
                if left.arrival != right.arrival { return left.arrival < right.arrival }
                if left.random != right.random { return left.random < right.random }
                return Self.precedes(left, right, names)
            }
        }
        let sorted = entries
        entries.removeAll(keepingCapacity: true)
        for entry in sorted {
            let last = entries.last
            if let last, isSameMessage(last, entry) {
                duplicates[entries.count - 1, default: []].append(entry)
                continue
            }
            entries.append(entry)
            if entry.isOurs {
                if entry.uniqueIDStart > 0 { keepID(of: entry, at: entries.count - 1) }
                continue
            }
            // Foreign names may share what stands before the comma, and are neighbours then: the whole name decides.
            let start = name(entry).prefix(Int(entry.uniqueIDLength))
            let isTaken = last.map { name($0).prefix(Int($0.uniqueIDLength)) == start } ?? false
            if start.isEmpty || isTaken {
                otherIDs[entries.count - 1] = MessageName.hashedID(base(entry))
            }
        }
    }

    /// Undoes the escapes in the unique id that an import has kept.
    private mutating func keepID(of entry: Entry, at index: Int) {
        let id = nameID(entry)
        guard id.isEmpty || id.contains(UInt8(ascii: "%")) else { return }
        let text = NamePart.unescape(String(decoding: id, as: UTF8.self))
        otherIDs[index] = text.map { Array($0.utf8) } ?? MessageName.hashedID(base(entry))
    }

    private func isSameMessage(_ one: Entry, _ other: Entry) -> Bool {
        guard one.isOurs == other.isOurs, one.arrival == other.arrival else { return false }
        if one.isOurs { return one.random == other.random && one.size == other.size }
        return base(one) == base(other)
    }

    private static func precedes(
        _ left: Entry, _ right: Entry, _ names: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard let start = names.baseAddress else { return false }
        let order = memcmp(
            start + Int(left.start), start + Int(right.start),
            Int(min(left.baseLength, right.baseLength)))
        if order != 0 { return order < 0 }
        if left.baseLength != right.baseLength { return left.baseLength < right.baseLength }
        return left.place.rawValue < right.place.rawValue
    }
}

/// A message's file relative to its Maildir, as octets: names need not be UTF-8.
nonisolated struct MessagePath: Equatable, Sendable {
    /// Ends with NUL.
    let characters: [CChar]

    init(_ place: MaildropListing.Place, _ name: some Collection<UInt8>) {
        characters =
            Array("\(place.folder)/".utf8).map(CChar.init) + name.map { CChar(bitPattern: $0) } + [
                0
            ]
    }

    /// For error messages.
    var text: String {
        String(decoding: characters.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
