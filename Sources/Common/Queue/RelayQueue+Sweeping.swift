// SPDX-License-Identifier: Apache-2.0
import Mail

extension RelayQueue {
    /// Removes messages without an envelope that nobody can be writing any more.
    ///
    /// - Parameters:
    ///   - age: Seconds since the last change.
    ///   - now: Seconds since 1970.
    /// - Returns: The names removed.
    /// - Throws: `SystemError` when the folder cannot be listed.
    package func sweep(
        age: Int = Sweep.draftAge, now: Int = WallClock.seconds
    ) throws(SystemError) -> [String] {
        var removed: [String] = []
        let listing = try FolderListing(relay)
        while let names = try listing.next() {
            for name in names {
                let isMessage = name.hasSuffix(".msg")
                guard isMessage || name.hasSuffix(".adopt"), name.utf8.count > 26,
                    let id = QueueID(name.prefix(26))
                else { continue }
                do throws(SystemError) {
                    let status = try relay.status(of: name)
                    guard status.modified < now - age else { continue }
                    if isMessage, try next(of: id) != nil { continue }
                    try relay.unlink(name)
                    removed.append(name)
                } catch  where error.isGone {
                    continue
                }
            }
        }
        return removed
    }
}
