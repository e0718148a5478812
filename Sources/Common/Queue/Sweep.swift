// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Removes what dead writers left: files named by a queue id, not changed for a time, and locked by nobody.
package struct Sweep: Equatable, Sendable {
    /// How long a draft must have been left alone; covers clocks of other hosts that are minutes off.
    package static let draftAge = 3600

    /// The same for copies in `Maildir/tmp`, as is customary for Maildirs.
    ///
    /// A copy that is linked already keeps its message from being delivered twice for so long.
    package static let copyAge = 36 * 3600

    /// Names that were removed.
    package private(set) var removed: [String] = []
    /// Names that are none of ours.
    package private(set) var unknown: [String] = []

    /// Sweeps a folder; blocks.
    ///
    /// - Parameters:
    ///   - folder: `queue/tmp`.
    ///   - age: Seconds since the last change.
    ///   - now: Seconds since 1970-01-01 UTC.
    /// - Throws: `SystemError` when the folder cannot be listed; single files in trouble are left and logged.
    package init(
        _ folder: borrowing Folder, age: Int = draftAge, now: Int = WallClock.seconds
    ) throws(SystemError) {
        try sweep(folder, age: age, now: now)
    }

    private mutating func sweep(
        _ folder: borrowing Folder, age: Int, now: Int
    ) throws(SystemError) {
        let listing = try FolderListing(folder)
        while let names = try listing.next() {
            for name in names where !QueueLayout.isHidden(name) {
                if QueueLayout.draftFolders.contains(name) {
                    try sweep(Folder(name, in: folder, listable: true), age: age, now: now)
                    continue
                }
                guard QueueLayout.draftID(ofName: name) != nil else {
                    unknown.append(name)
                    continue
                }
                do throws(SystemError) {
                    guard try Self.isAbandoned(name, in: folder, before: now - age) else {
                        continue
                    }
                    try folder.unlink(name)
                    removed.append(name)
                } catch  where error.isGone {
                    continue
                } catch {
                    Log.write(.warning, "queue.sweep-failed", ["error": error])
                }
            }
        }
    }

    private static func isAbandoned(
        _ name: String, in folder: borrowing Folder, before limit: Int
    ) throws(SystemError) -> Bool {
        let status = try folder.status(of: name)
        guard status.isRegularFile, status.modified < limit else { return false }
        return try !File(name, in: folder).isLockedByAnother()
    }
}
