// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail

/// Sizes of messages whose names do not tell them, found out once by reading: `pop3.sizes` in the account's folder.
///
/// One line a message, `<octets> <base name>`. It may be deleted at any time, and costs only time then. Whoever
/// writes it holds the mailbox's lock.
nonisolated struct SizeCache: ~Copyable {
    static let name = "pop3.sizes"
    private static let newName = "pop3.sizes.new"
    private let user: Folder

    init(in user: consuming Folder) {
        self.user = user
    }

    /// The listing with every size known.
    ///
    /// The file's lines are in the listing's order, so that both are gone through once, side by side.
    func complete(
        _ listing: MaildropListing, in maildir: borrowing Folder
    ) -> MaildropListing {
        guard listing.entries.contains(where: { $0.size < 0 }) else { return listing }
        var listing = listing
        let unknown = listing.entries.indices.filter { listing.entries[$0].size < 0 }
        var known = Lines(load())
        var hasNews = false
        for index in unknown {
            let entry = listing.entries[index]
            var size = known.size(of: listing.base(entry), arrival: entry.arrival)
            if size == nil {
                hasNews = true
                size = measure(listing.path(entry), in: maildir)
            }
            // Vanished or unreadable: it stays unknown, and RETR will say so.
            if let size { listing.setSize(size, at: index) }
        }
        if hasNews || known.hasSkipped { save(listing, unknown) }
        return listing
    }

    /// The lines of the file, gone through once.
    struct Lines {
        private let bytes: [UInt8]
        private var position = 0
        /// Whether a line was of no use: a message that is gone, or rubbish.
        private(set) var hasSkipped = false

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
        }

        /// The size of the next message in order; nil when no line tells it.
        mutating func size(of base: ArraySlice<UInt8>, arrival: UInt64) -> Int? {
            while position < bytes.count {
                let end = bytes[position...].firstIndex(of: .lineFeed) ?? bytes.endIndex
                let line = bytes[position..<end]
                let digits = line.prefix { 0x30...0x39 ~= $0 }.prefix(18)
                let name = line[digits.endIndex...].dropFirst()
                if name == base, !digits.isEmpty {
                    let size = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
                    position = end + 1
                    return size
                }
                guard precedes(name, base, arrival) else { return nil }
                hasSkipped = true
                position = end + 1
            }
            return nil
        }

        /// Whether a line's message comes before the one that is looked for; what is no message does.
        private func precedes(
            _ name: ArraySlice<UInt8>, _ base: ArraySlice<UInt8>, _ arrival: UInt64
        ) -> Bool {
            guard let here = name.withUnsafeBufferPointer({ MessageName($0) }) else { return true }
            if here.arrival != arrival { return here.arrival < arrival }
            return name.lexicographicallyPrecedes(base)
        }
    }

    private func measure(_ path: MessagePath, in maildir: borrowing Folder) -> Int? {
        do throws(SystemError) {
            let message = try OpenMessage(path, in: maildir)
            var size = WireSize()
            var offset = 0
            while true {
                let piece = try message.read(atMost: 128 << 10, at: offset)
                if piece.isEmpty { return size.total }
                size.add(piece.span)
                offset += piece.count
            }
        } catch {
            return nil
        }
    }

    private func load() -> [UInt8] {
        do throws(SystemError) {
            return try File(Self.name, in: user).readAll()
        } catch {
            if error.code != ENOENT, Self.mayTell("mailbox.sizes-unread", because: error) {
                Log.write(.warning, "mailbox.sizes-unread", ["error": error])
            }
            return []
        }
    }

    private func save(_ listing: MaildropListing, _ indexes: [Int]) {
        var lines: [UInt8] = []
        for index in indexes {
            let entry = listing.entries[index]
            let base = listing.base(entry)
            // A name with a line end would break the file's lines; such a message is measured each time.
            if entry.size < 0 || base.contains(.lineFeed) { continue }
            lines += "\(entry.size) ".utf8
            lines += base
            lines.append(.lineFeed)
        }
        do throws(SystemError) {
            let file = try File(
                Self.newName, in: user, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o660)
            try file.write(lines)
            try user.rename(Self.newName, to: Self.name, in: user)
        } catch {
            guard Self.mayTell("mailbox.sizes-not-kept", because: error) else { return }
            Log.write(.warning, "mailbox.sizes-not-kept", ["error": error])
        }
    }

    /// Of all mailboxes on a disk that is full or read-only only some are named.
    private static let restraint = SharedLogRestraint()

    private static func mayTell(_ event: String, because error: SystemError) -> Bool {
        restraint.admits(event, because: error.reason)
    }
}
