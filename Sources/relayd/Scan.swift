// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// One walk through `queue/local`, a few hundred names at a time.
nonisolated final class Scan: Sendable {
    /// A name that something is to be done about.
    struct Finding: Sendable {
        let name: String
        let inspection: EntryInspection

        /// It could not be looked at.
        var isTrouble: Bool {
            if case .trouble = inspection { true } else { false }
        }
    }

    private let delivery: MaildirDelivery
    private let listing: FolderListing
    private let startedAt: UInt64

    /// Begins at the front.
    ///
    /// - Parameters:
    ///   - delivery: Has the folder.
    ///   - startedAt: When this process began, in microseconds; what arrived earlier may be what a power cut left, and
    ///     its contents are compared with its name's claim.
    /// - Throws: `SystemError` of openat(2).
    init(_ delivery: MaildirDelivery, startedAt: UInt64) throws(SystemError) {
        self.delivery = delivery
        self.startedAt = startedAt
        listing = try FolderListing(delivery.local)
    }

    /// Looks at the next names, reads what must be verified; blocks.
    ///
    /// - Parameter setbacks: What is set aside is not looked at.
    /// - Returns: Nil at the end.
    /// - Throws: `SystemError` of getdents64(2).
    func next(without setbacks: Setbacks) throws(SystemError) -> [Finding]? {
        guard let names = try listing.next() else { return nil }
        let now = Deadline.now
        var findings: [Finding] = []
        for name in names {
            let entry = EntryName(name)
            if setbacks.isSetAside(.entry(name), now: now) { continue }
            if let entry, setbacks.isSetAside(.account(entry.account), now: now) { continue }
            let isOld = entry.map { $0.id.microseconds < startedAt } ?? true
            let inspection = EntryInspection(of: name, in: delivery.local, verifying: isOld)
            if inspection != .passOver {
                findings.append(Finding(name: name, inspection: inspection))
            }
        }
        return findings
    }
}

/// A folder that several threads use.
nonisolated final class OpenFolder: Sendable {
    let folder: Folder

    /// Opens it.
    ///
    /// - Throws: `SystemError` of openat(2).
    init(_ name: String, in parent: borrowing Folder) throws(SystemError) {
        folder = try Folder(name, in: parent)
    }
}
