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
        var uniqueIDLength: UInt8
        var place: Place
        var isOurs: Bool
    }

    private var names: [UInt8] = []
    private(set) var entries: [Entry] = []
    /// Further names of a message, by its index: it was delivered again, or seen before and after a rename.
    private(set) var duplicates: [Int: [Entry]] = [:]
    /// Unique ids that imported messages brought along, by where their names start in ``names``.
    private var keptIDs: [Int: [UInt8]] = [:]
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
        return name(entries[index]).prefix(Int(entries[index].uniqueIDLength))
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
                uniqueIDLength: UInt8(name.uniqueIDLength ?? 0), place: place, isOurs: name.isOurs))
        if let kept = name.keptID {
            keptIDs[names.count] = KeptUniqueID.decode(UnsafeBufferPointer(rebasing: bytes[kept]))
        }
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
            if isTaken(entry, last) {
                otherIDs[entries.count - 1] = MessageName.hashedID(base(entry))
            }
        }
        useKeptIDs()
    }

    /// Whether another message has the beginning of this name for its id already, or it can be none.
    ///
    /// Such names are neighbours; what stands behind the comma tells them apart.
    private func isTaken(_ entry: Entry, _ last: Entry?) -> Bool {
        let start = name(entry).prefix(Int(entry.uniqueIDLength))
        if start.isEmpty { return true }
        guard let last else { return false }
        if entry.isOurs {
            return last.isOurs && last.arrival == entry.arrival && last.random == entry.random
        }
        return name(last).prefix(Int(last.uniqueIDLength)) == start
    }

    /// Gives imported messages the ids that their clients know, each to the first that claims it.
    private mutating func useKeptIDs() {
        if keptIDs.isEmpty { return }
        var used: Set<ArraySlice<UInt8>> = []
        used.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() where keptIDs[Int(entry.start)] == nil {
            used.insert(uniqueID(at: index))
        }
        for (index, entry) in entries.enumerated() {
            guard let kept = keptIDs[Int(entry.start)] else { continue }
            if used.insert(kept[...]).inserted { otherIDs[index] = kept }
        }
        keptIDs = [:]
    }

    private func isSameMessage(_ one: Entry, _ other: Entry) -> Bool {
        guard one.isOurs == other.isOurs, one.arrival == other.arrival else { return false }
        if one.isOurs, one.size >= 0 {
            return one.random == other.random && one.size == other.size
        }
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
///
/// The name is one that a folder's listing gave, so there is no `/` in it.
nonisolated struct MessagePath: Equatable, Sendable {
    let place: MaildropListing.Place
    /// Ends with NUL.
    let characters: [CChar]

    init(_ place: MaildropListing.Place, _ name: some Collection<UInt8>) {
        self.place = place
        characters =
            Array("\(place.folder)/".utf8).map(CChar.init) + name.map { CChar(bitPattern: $0) } + [
                0
            ]
    }

    /// Calls `body` with the name alone, for C.
    func withName<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        characters.withUnsafeBufferPointer { characters in
            guard let start = characters.baseAddress else { return body("") }
            return body(start + place.folder.utf8.count + 1)
        }
    }

    /// For error messages.
    var text: String {
        String(decoding: characters.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
