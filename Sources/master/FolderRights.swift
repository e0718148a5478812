// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Makes an instance's folders and gives each to whom it belongs; docs/security.md has the table.
///
/// Below `usermanager/<group>/users` other users than root decide what lies there, so everything is opened relative
/// to its folder and never through a symbolic link. Of files, only those change hands that one worker must be able to
/// write again: an operator's `chown -R` or a restored backup would lock everybody out.
struct FolderRights: Equatable {
    /// The kinds of places that rights differ for.
    enum Area: CaseIterable {
        case configuration, configurationFile
        case run
        case queue, drafts, local, relay, hold, corrupt
        case userManager, group, groupFile
        /// `usermanager/<group>/users` and the folders below.
        case accounts
        /// The lock of a mailbox, `usermanager/<group>/users/<user>/pop3.lock`.
        case mailboxLock
    }

    struct Right: Equatable {
        /// nil: it stays whose it is.
        let owner: UInt32?
        let group: UInt32?
        let mode: UInt32
    }

    /// Areas that are not named keep what they have.
    let rights: [Area: Right]
    /// Whether other users need to get through the instance's folder.
    let isShared: Bool

    /// On a host where each kind of worker has its own user.
    init(_ identities: Identities) {
        func right(_ owner: String?, _ group: String, _ mode: UInt32) -> Right {
            Right(
                owner: owner.flatMap { identities.users[$0] }, group: identities.groups[group],
                mode: mode)
        }
        isShared = true
        rights = [
            .configuration: right(nil, "wmail", 0o750),
            .configurationFile: right(nil, "wmail", 0o640),
            .run: right("wmail", "wmail", 0o755),
            // Only those who make entries get in, and the owner.
            .queue: right("wmail-mail", "wmail-queue", 0o710),
            // Make files, but neither list nor remove those of others; new files are for deliver to read.
            .drafts: right("wmail-mail", "wmail-mail", 0o3733),
            .local: right("wmail-mail", "wmail-mail", 0o3733),
            .relay: right("wmail-relay", "wmail-mail", 0o3733),
            .hold: right("wmail-mail", "wmail-mail", 0o2770),
            .corrupt: right("wmail-mail", "wmail-mail", 0o2770),
            .userManager: right("wmail-auth", "wmail-auth", 0o711),
            .group: right("wmail-auth", "wmail-auth", 0o711),
            .groupFile: right("wmail-auth", "wmail-auth", 0o600),
            .accounts: right("wmail-mail", "wmail-pop", 0o2770),
            .mailboxLock: right("wmail-pop", "wmail-pop", 0o660),
        ]
    }

    /// Where everything runs as the user of this process.
    init() {
        isShared = false
        let folders: [Area] = [
            .run, .queue, .drafts, .local, .relay, .hold, .corrupt, .userManager, .group, .accounts,
        ]
        let own = Right(owner: nil, group: nil, mode: 0o700)
        var rights = Dictionary(uniqueKeysWithValues: folders.map { ($0, own) })
        rights[.groupFile] = Right(owner: nil, group: nil, mode: 0o600)
        rights[.mailboxLock] = Right(owner: nil, group: nil, mode: 0o660)
        self.rights = rights
    }

    /// Makes what is missing and changes what differs.
    ///
    /// - Parameters:
    ///   - places: The instance.
    ///   - groups: The configured user groups.
    /// - Throws: `SystemError` naming the file.
    func establish(in places: Places, groups: [String]) throws(SystemError) {
        try Self.makeFolder(places.state)
        let state = try Folder(places.state, listable: true)
        if isShared { try letThrough(state) }
        try establishConfiguration(places)
        try establishRun(places)

        let queue = try folder(QueueLayout.queue, .queue, in: state)
        let parts: [(String, Area)] = [
            (QueueLayout.drafts, .drafts), (QueueLayout.local, .local), (QueueLayout.relay, .relay),
            (QueueLayout.hold, .hold), (QueueLayout.corrupt, .corrupt),
        ]
        for (name, area) in parts {
            let part = try folder(name, area, in: queue)
            guard area == .drafts else { continue }
            part.spreadSubfolders()
            for name in QueueLayout.draftFolders { _ = try folder(name, .drafts, in: part) }
        }

        let userManager = try folder("usermanager", .userManager, in: state)
        let found = try folders(in: userManager) { name in name != "lost+found" }
        for name in Set(found).union(groups).sorted() {
            try establishGroup(name, in: userManager)
        }
    }

    /// For the scoreboard and the control socket, which master makes when it is no longer root.
    private func establishRun(_ places: Places) throws(SystemError) {
        let path = places.run.split(separator: "/").map(String.init)
        let parent = try Folder("/" + path.dropLast().joined(separator: "/"), listable: true)
        do throws(SystemError) {
            _ = try folder(path.last ?? "run", .run, in: parent)
        } catch  where error.code == EACCES || error.code == EROFS {
            // Nothing but observation needs it, and master tells of that.
            return
        }
    }

    private static func makeFolder(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            try check("mkdir", on: path) { mkdir(path, 0o755) }
        } catch  where error.code == EEXIST {
            return
        }
    }

    private func letThrough(_ folder: borrowing Folder) throws(SystemError) {
        let (number, mode) = (folder.number, try Self.status(of: folder).permissions)
        guard mode & 0o111 != 0o111 else { return }
        try check("fchmod", on: folder.path) { fchmod(number, mode | 0o111) }
    }

    private func establishGroup(
        _ name: String, in userManager: borrowing Folder
    ) throws(SystemError) {
        let group = try folder(name, .group, in: userManager)
        try file("group.json", .groupFile, in: group)
        let accounts = try folder("users", .accounts, in: group)
        for user in try folders(in: accounts) {
            let account = try folder(user, .accounts, in: accounts)
            try file(Maildir.lockName, .mailboxLock, in: account)
            for name in try folders(in: account, where: { $0.hasPrefix("Maildir") }) {
                try establishMaildir(try folder(name, .accounts, in: account), depth: 1)
            }
        }
    }

    /// `tmp`, `new`, `cur`, and the same in the folders of a mail reader, such as `.Sent`.
    private func establishMaildir(
        _ maildir: borrowing Folder, depth: Int
    ) throws(SystemError) {
        for name in try folders(in: maildir) {
            let part = try folder(name, .accounts, in: maildir)
            if name.hasPrefix("."), depth > 0 { try establishMaildir(part, depth: depth - 1) }
        }
    }

    private func establishConfiguration(_ places: Places) throws(SystemError) {
        guard rights[.configuration] != nil else { return }
        let folder = try Folder(places.configuration, listable: true)
        try apply(.configuration, to: folder)
        try establishFiles(in: folder, depth: 3)
    }

    /// Configuration files and keys, at most so many folders deep.
    private func establishFiles(in folder: borrowing Folder, depth: Int) throws(SystemError) {
        for name in try folder.names() {
            let status = try folder.status(of: name)
            if status.isRegularFile { try file(name, .configurationFile, in: folder) }
            guard status.isFolder, depth > 0 else { continue }
            let inner = try Folder(name, in: folder, listable: true)
            try apply(.configuration, to: inner)
            try establishFiles(in: inner, depth: depth - 1)
        }
    }
}

// MARK: - One file or folder

extension FolderRights {
    /// The names of folders in a folder.
    private func folders(
        in parent: borrowing Folder, where isWanted: (String) -> Bool = { _ in true }
    ) throws(SystemError) -> [String] {
        var result: [String] = []
        for name in try parent.names() where isWanted(name) {
            do throws(SystemError) {
                if try parent.status(of: name).isFolder { result.append(name) }
            } catch  where error.code == ENOENT {
                continue
            }
        }
        return result.sorted()
    }

    /// Makes the folder if it is not there, and sets its rights.
    private func folder(
        _ name: String, _ area: Area, in parent: borrowing Folder
    ) throws(SystemError) -> Folder {
        // Closed to all until it is its owner's.
        try parent.makeFolder(name, mode: 0o700)
        let folder = try Folder(name, in: parent, listable: true)
        try apply(area, to: folder)
        return folder
    }

    /// Sets the rights of a file, if it is there and is one.
    private func file(
        _ name: String, _ area: Area, in parent: borrowing Folder
    ) throws(SystemError) {
        do throws(SystemError) {
            let status = try parent.status(of: name)
            guard status.isRegularFile else { return }
        } catch  where error.code == ENOENT {
            return
        }
        // Non-blocking, should it have become a pipe since.
        let file = try File(name, in: parent, flags: O_RDONLY | O_NONBLOCK)
        let status = try file.status()
        // A second name could be anybody's file.
        guard status.isRegularFile, status.links == 1 else { return }
        try apply(area, to: file.number, path: file.path, status: status)
    }

    private func apply(_ area: Area, to folder: borrowing Folder) throws(SystemError) {
        try apply(
            area, to: folder.number, path: folder.path, status: try Self.status(of: folder))
    }

    private func apply(
        _ area: Area, to number: Int32, path: String, status: FileStatus
    ) throws(SystemError) {
        guard let right = rights[area] else { return }
        // What belongs to another user is that user's business, unless we are root.
        guard Privileges.isRoot || status.owner == Privileges.user else { return }
        let (owner, group) = (right.owner ?? status.owner, right.group ?? status.group)
        var mode = status.permissions
        if owner != status.owner || group != status.group {
            try check("fchown", on: path) { fchown(number, owner, group) }
            // It may clear the setuid and setgid bits.
            mode &= 0o1777
        }
        guard mode != right.mode else { return }
        try check("fchmod", on: path) { fchmod(number, right.mode) }
    }

    private static func status(of folder: borrowing Folder) throws(SystemError) -> FileStatus {
        try folder.status(of: ".")
    }
}
