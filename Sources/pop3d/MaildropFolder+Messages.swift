// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Messages whose files another program has given other names since the listing.
typealias Relocations = [Int: MessagePath]

/// Finding, opening and deleting messages.
extension MaildropFolder {
    /// Where the message was when the mailbox was listed.
    nonisolated func path(of index: Int) -> MessagePath {
        listing.path(listing.entries[index])
    }

    /// Looks where messages are now that are not where they were: moved from `new` to `cur`, or flagged.
    ///
    /// - Returns: Only those that moved; who is in neither place is gone.
    /// - Throws: `SystemError` of openat(2) or readdir(3).
    nonisolated func relocations() throws(SystemError) -> Relocations {
        let now = try MaildropListing(maildir)
        var places: [ArraySlice<UInt8>: MessagePath] = [:]
        places.reserveCapacity(now.entries.count)
        for entry in now.entries { places[now.base(entry)] = now.path(entry) }
        var moved: Relocations = [:]
        for (index, entry) in listing.entries.enumerated() {
            guard let place = places[listing.base(entry)], place != listing.path(entry) else {
                continue
            }
            moved[index] = place
        }
        return moved
    }

    /// Deletes messages at the end of a session (RFC 1939 §6), each wholly or not at all.
    ///
    /// - Parameters:
    ///   - indexes: Which.
    ///   - moved: What was found out about them in the session.
    /// - Returns: Those that are still there, and why the first of them is.
    nonisolated func delete(
        _ indexes: [Int], moved: Relocations
    ) -> (left: [Int], reason: SystemError?) {
        var left: [Int] = []
        var reason: SystemError?
        var current: Relocations?
        for index in indexes {
            do throws(SystemError) {
                for entry in listing.duplicates[index] ?? [] {
                    _ = try remove(listing.path(entry))
                }
                if try remove(moved[index] ?? path(of: index)) { continue }
                // Not where it was: look once for all of them.
                if current == nil { current = try relocations() }
                // In neither place: another program has deleted it, which is what the client wants.
                if let place = current?[index] { _ = try remove(place) }
            } catch {
                left.append(index)
                reason = reason ?? error
            }
        }
        if rules.trashDays > 0 {
            do throws(SystemError) {
                try Trash.sweep(olderThan: rules.trashDays, in: maildir)
            } catch {
                reason = reason ?? error
            }
        }
        return (left, reason)
    }

    /// Removes a name; false when it is not there.
    ///
    /// Its folder is opened each time, a fraction of what the removal costs: a link in its place leads nowhere.
    private nonisolated func remove(_ path: MessagePath) throws(SystemError) -> Bool {
        do throws(SystemError) {
            let folder = try Folder(path.place.folder, in: maildir)
            if rules.trashDays > 0 {
                try Trash.keep(path, of: folder, in: maildir)
            } else {
                let number = folder.number
                try check("unlinkat", on: "\(maildir.path)/\(path.text)") {
                    path.withName { unlinkat(number, $0, 0) }
                }
            }
            return true
        } catch  where error.code == ENOENT {
            return false
        }
    }
}
