// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail

/// How much lies in the queue's folders, told by file names alone.
struct QueueDepth: Equatable, Sendable {
    /// A folder's entries.
    struct Place: Equatable, Sendable {
        var entries = 0
        /// When the oldest came, in seconds since 1970; nil for none.
        var oldest: Int?
    }

    var places: [QueuePlace: Place] = [:]

    /// Nothing anywhere.
    init() {}

    /// Counts.
    ///
    /// - Throws: `SystemError` when a folder cannot be listed.
    init(_ places: Places) throws(SystemError) {
        let queue = try Folder(places.queue)
        for place in QueuePlace.allCases {
            let listing = try FolderListing(try Folder(place.rawValue, in: queue, listable: true))
            var found = Place()
            while let names = try listing.next() {
                for name in names where !QueueLayout.isHidden(name) { Self.count(name, in: &found) }
            }
            self.places[place] = found
        }
    }

    /// An entry for other servers is its `.env`; its message and whatever is in the making do not count.
    private static func count(_ name: String, in found: inout Place) {
        if name.hasSuffix(".msg") || name.hasSuffix(".adopt") { return }
        found.entries += 1
        guard let id = QueueID(name.prefix(QueueID.textLength)) else { return }
        let arrived = Int(id.microseconds / 1_000_000)
        found.oldest = min(found.oldest ?? arrived, arrived)
    }
}
