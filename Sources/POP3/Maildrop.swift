// SPDX-License-Identifier: Apache-2.0

/// The messages of one session: numbers, sizes, unique ids, deletion marks.
///
/// A snapshot: what arrives later belongs to the next session (RFC 1939 §3). Kept in columns, because a
/// mailbox may hold a hundred thousand messages and a host ten thousand sessions.
package struct Maildrop: Equatable, Sendable {
    private var sizes: [Int] = []
    /// All unique ids one after another, and where each ends.
    private var uniqueIDs: [UInt8] = []
    private var uniqueIDEnds: [UInt32] = []
    /// Empty until the first deletion.
    private var marks: [Bool] = []
    /// Messages without a deletion mark.
    package private(set) var count = 0
    /// Their octets together.
    package private(set) var octets = 0

    /// Without messages.
    package init() {}

    /// Makes room.
    package mutating func reserve(_ messages: Int) {
        sizes.reserveCapacity(messages)
        uniqueIDs.reserveCapacity(messages * 26)
        uniqueIDEnds.reserveCapacity(messages)
    }

    /// Adds the next message in order.
    ///
    /// - Parameters:
    ///   - size: The octets that RETR will send before dots are doubled.
    ///   - uniqueID: 1 to 70 octets from 0x21 to 0x7E (RFC 1939 §7, UIDL).
    package mutating func append(size: Int, uniqueID: ArraySlice<UInt8>) {
        sizes.append(size)
        uniqueIDs.append(contentsOf: uniqueID)
        uniqueIDEnds.append(UInt32(uniqueIDs.count))
        count += 1
        octets += size
    }

    /// Messages with and without a deletion mark.
    package var total: Int { sizes.count }

    /// Indexes of the messages with a deletion mark.
    package var deletions: [Int] { marks.indices.filter { marks[$0] } }

    /// The index of message `number`; nil when there is none or it is marked (RFC 1939 §5, DELE).
    func index(of number: Int) -> Int? {
        guard number >= 1, number <= total, !isMarked(number - 1) else { return nil }
        return number - 1
    }

    func isMarked(_ index: Int) -> Bool { !marks.isEmpty && marks[index] }

    func size(at index: Int) -> Int { sizes[index] }

    func uniqueID(at index: Int) -> ArraySlice<UInt8> {
        uniqueIDs[(index == 0 ? 0 : Int(uniqueIDEnds[index - 1]))..<Int(uniqueIDEnds[index])]
    }

    mutating func mark(_ index: Int) {
        if marks.isEmpty { marks = Array(repeating: false, count: total) }
        marks[index] = true
        count -= 1
        octets -= sizes[index]
    }

    mutating func unmarkAll() {
        marks = []
        count = total
        octets = sizes.reduce(0, +)
    }
}
