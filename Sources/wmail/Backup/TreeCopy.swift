// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Copies folders with all that is in them, level by level and never through a symbolic link: below `users/` others than
/// root decide what lies there.
final class TreeCopy {
    /// What to do with a file, by its path below the folder that is copied.
    enum Choice: Sendable {
        /// A second name for the same file, where the file system allows it; for what never changes.
        case link
        case copy
        case leave
    }

    private(set) var files = 0
    private(set) var octets = 0
    private(set) var linked = 0
    /// Paths of what is neither file nor folder.
    private(set) var strange: [String] = []
    private let choose: (String) -> Choice
    private let progress: Progress

    init(showing progress: Progress, _ choose: @escaping (String) -> Choice) {
        self.progress = progress
        self.choose = choose
    }

    /// Copies everything in a folder.
    ///
    /// - Parameters:
    ///   - source: Files that go meanwhile are passed over.
    ///   - target: Files that are there already are left as they are.
    ///   - path: What to call the folder.
    /// - Throws: `SystemError` of any call; run again it goes on.
    func copy(_ source: borrowing Folder, to target: borrowing Folder, path: String)
        throws(SystemError)
    {
        for name in try source.names().sorted() {
            let place = "\(path)/\(name)"
            do throws(SystemError) {
                let status = try source.status(of: name)
                if status.isFolder {
                    try copyFolder(name, status, source, target, place)
                } else if status.isRegularFile {
                    try copyFile(name, status, source, target, place)
                } else {
                    strange.append(place)
                }
            } catch  where error.code == ENOENT {
                // Delivered, read or deleted since the listing.
                continue
            }
        }
    }

    private func copyFolder(
        _ name: String, _ status: FileStatus, _ source: borrowing Folder,
        _ target: borrowing Folder, _ place: String
    ) throws(SystemError) {
        let inner = try Folder(name, in: source, listable: true)
        try target.makeFolder(name)
        try copy(inner, to: try Folder(name, in: target, listable: true), path: place)
        try target.adopt(status, for: name)
    }

    /// Copies one file.
    func copyFile(
        _ name: String, _ status: FileStatus, _ source: borrowing Folder,
        _ target: borrowing Folder, _ place: String
    ) throws(SystemError) {
        let choice = choose(place)
        if case .leave = choice { return }
        if try isThere(name, target) { return count(status) }
        if case .link = choice, try link(name, source, target) {
            linked += 1
            return count(status)
        }
        let file = try File(name, in: source, flags: O_RDONLY | O_NONBLOCK)
        let draft = ".\(name.prefix(200)).copy"
        let copy = try File(draft, in: target, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        var offset = 0
        while true {
            let part = try file.read(atMost: 1 << 18, at: offset)
            if part.isEmpty { break }
            try copy.write(part)
            offset += part.count
        }
        try copy.adopt(status)
        try target.rename(draft, to: name, in: target)
        count(status)
    }

    private func count(_ status: FileStatus) {
        files += 1
        octets += status.size
        progress.advance()
    }

    /// A name is given only when its contents are whole, so what is there needs no second look.
    private func isThere(_ name: String, _ target: borrowing Folder) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try target.status(of: name)
            return true
        } catch  where error.code == ENOENT {
            return false
        }
    }

    private func link(
        _ name: String, _ source: borrowing Folder, _ target: borrowing Folder
    ) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try source.link(name, to: name, in: target)
            return true
        } catch {
            switch error.code {
            case EXDEV, EPERM, EMLINK, EOPNOTSUPP: return false
            default: throw error
            }
        }
    }
}
