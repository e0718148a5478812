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
    func complete(
        _ listing: MaildropListing, in maildir: borrowing Folder
    ) -> MaildropListing {
        let unknown = listing.entries.indices.filter { listing.entries[$0].size < 0 }
        guard !unknown.isEmpty else { return listing }
        var listing = listing
        let known = load()
        var lines: [UInt8] = []
        var hasNews = known.count != unknown.count
        for index in unknown {
            let base = Array(listing.base(listing.entries[index]))
            let size: Int
            if let cached = known[base] {
                size = cached
            } else {
                hasNews = true
                // Vanished or unreadable: RETR will say so.
                guard let found = measure(listing.path(listing.entries[index]), in: maildir) else {
                    listing.setSize(0, at: index)
                    continue
                }
                size = found
            }
            listing.setSize(size, at: index)
            // A name with a line end would break the file's lines; such a message is measured each time.
            if !base.contains(.lineFeed) { lines += "\(size) ".utf8 + base + [.lineFeed] }
        }
        if hasNews { save(lines) }
        return listing
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

    private func load() -> [[UInt8]: Int] {
        do throws(SystemError) {
            let bytes = try File(Self.name, in: user).readAll()
            var sizes: [[UInt8]: Int] = [:]
            for line in bytes.split(separator: .lineFeed) {
                let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 1)
                guard parts.count == 2,
                    let size = Int(String(decoding: parts[0], as: UTF8.self)), size >= 0
                else { continue }
                sizes[Array(parts[1])] = size
            }
            return sizes
        } catch {
            return [:]
        }
    }

    private func save(_ lines: [UInt8]) {
        do throws(SystemError) {
            let file = try File(
                Self.newName, in: user, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o660)
            try file.write(lines)
            try user.rename(Self.newName, to: Self.name, in: user)
        } catch {
            Log.write(.warning, "mailbox.sizes-not-kept", ["error": error])
        }
    }
}
