// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc
import Mail

/// `wmail restore`.
struct RestoreCommand: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Puts a backup back; the server must not run.",
        discussion: """
            Nothing is deleted, and nothing that is there is replaced, unless --replace allows it for configuration and \
            accounts. Messages for other servers are held (wmail queue list --in hold): they may have been sent since the \
            backup was made; --send puts them into the queue. Cut short, it goes on when it is run again.
            """)

    @OptionGroup var common: CommonOptions
    @Flag(help: "Replace config/ and group.json by the backup's.") var replace = false
    @Flag(help: "Send what was for other servers, perhaps a second time.") var send = false
    @Argument(help: "The backup's folder.", completion: .directory) var folder: String

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        try refuseWhileRunning(places)
        let seal = try readSeal()
        let progress = Progress()
        progress.begin("files", of: seal["files"]?.integer)
        defer { progress.end() }
        var kept: [String] = []
        var delivered: Set<String> = []
        let replaces = replace
        let copy = TreeCopy(showing: progress) { path in
            let isSetting = path.hasPrefix("config/") || path.hasSuffix("/group.json")
            let target =
                path.hasPrefix("config/")
                ? "\(places.configuration)/\(path.dropFirst(7))" : "\(places.state)/\(path)"
            if isSetting, !replaces, access(target, F_OK) == 0 {
                kept.append(path)
                return .leave
            }
            if isSetting { unlink(target) }
            Self.note(path, in: &delivered)
            // Delivered while the backup was made: the mailbox has it.
            if path.hasPrefix("queue/local/"), Self.isDelivered(path, delivered) { return .leave }
            return .copy
        }
        try translating { () throws(SystemError) in
            let source = try Folder(folder)
            try Self.makeFolders(places)
            try restore(BackupLayout.configuration, source, to: places.configuration, copy)
            try restore(BackupLayout.accounts, source, to: places.userManager, copy)
            let queue = try Folder(BackupLayout.queue, in: source)
            for place in BackupLayout.places {
                let target = place == .relay && !send ? QueuePlace.hold : place
                let from = try Folder(place.rawValue, in: queue, listable: true)
                let to = try Folder("\(places.queue)/\(target.rawValue)", listable: true)
                try copy.copy(from, to: to, path: "\(BackupLayout.queue)/\(place.rawValue)")
            }
            try Folder(places.state, listable: true).synchronizeFileSystem()
        }
        let (files, octets, left) = (copy.files, copy.octets, kept)
        return Answer(json: [
            "files": .integer(files), "octets": .integer(octets), "kept": .strings(left),
        ]) { palette in
            left.map { "\(palette.doubtful("kept as it is here:")) \(Output.printable($0))\n" }
                .joined()
                + "\(files) files, \(sizeText(octets)) octets are back; start the server now\n"
        }
    }

    private func refuseWhileRunning(_ places: Places) throws(Failure) {
        guard try StatusReport(places).master == nil else {
            throw Failure(
                "the server runs", cure: "systemctl stop wmailserver, then run this again",
                status: .no)
        }
    }

    private func readSeal() throws(Failure) -> JSON {
        let path = "\(folder)/\(BackupLayout.seal)"
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File(path: path).readAll(limit: 1 << 20)
        } catch {
            guard error.code == ENOENT else { throw Failure(error) }
            throw Failure(
                "\(folder) is no whole backup: it has no \(BackupLayout.seal)",
                cure: "name a folder that wmail backup has made")
        }
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw Failure("\(path): \(error)")
        }
        guard let version = json["version"]?.integer, (1...BackupLayout.version).contains(version)
        else {
            throw Failure(
                "\(folder) was made by a newer version of this program", cure: "use that one")
        }
        return json
    }

    private func restore(
        _ name: String, _ source: borrowing Folder, to path: String, _ copy: TreeCopy
    ) throws(SystemError) {
        try copy.copy(
            try Folder(name, in: source, listable: true), to: try Folder(path, listable: true),
            path: name)
    }

    private static func makeFolders(_ places: Places) throws(SystemError) {
        for path in [places.state, places.configuration, places.userManager]
        where access(path, F_OK) != 0 {
            try check("mkdir", on: path) { mkdir(path, 0o755) }
        }
        if access("\(places.queue)/tmp", F_OK) != 0 {
            try QueueLayout.makeFolders(root: places.state)
        }
    }

    /// Remembers which message lies in whose mailbox; mailboxes are restored before the queue.
    private static func note(_ path: String, in delivered: inout Set<String>) {
        let parts = path.split(separator: "/")
        guard parts.count == 7, parts[2] == "users", let id = MaildirName(String(parts[6])).queueID
        else { return }
        delivered.insert("\(id) \(parts[1])/\(parts[3])")
    }

    private static func isDelivered(_ path: String, _ delivered: Set<String>) -> Bool {
        guard let entry = EntryName(String(path.split(separator: "/").last ?? "")) else {
            return false
        }
        return delivered.contains("\(entry.id) \(entry.account)")
    }
}
