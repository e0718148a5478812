// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc
import Mail

/// The folders of an instance in a backup, and the file that makes it whole.
enum BackupLayout {
    static let configuration = "config"
    static let queue = "queue"
    static let accounts = "usermanager"
    /// Written last: a folder without it is no backup.
    static let seal = "backup.json"
    static let version = 1
    /// Places of the queue that are worth keeping; drafts were promised to nobody.
    static let places: [QueuePlace] = [.relay, .local, .hold, .corrupt]

    /// How files of mailboxes and queue are kept: messages never change, everything else may.
    static func choice(_ path: String) -> TreeCopy.Choice {
        let parts = path.split(separator: "/")
        if parts.last?.first == "." { return .leave }
        guard parts.count > 1 else { return .copy }
        let parent = parts[parts.count - 2]
        if parts.first == "usermanager" {
            return parent == "new" || parent == "cur" ? .link : .copy
        }
        return path.hasSuffix(".env") || parent == "hold" ? .copy : .link
    }
}

/// `wmail backup`.
struct BackupCommand: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies configuration, accounts, mail and queue while the server runs.",
        discussion: """
            Queue first, then mailboxes, so that every message that was answered with 250 before the command began and \
            not deleted since is in the backup, in one place or, moved meanwhile, in both, under the same id; restore \
            keeps one. On the instance's own file system messages are not copied but linked: that takes seconds and no \
            space, and protects against deleting, not against the disk; copy the folder elsewhere then. The new folder \
            has the passwords' hashes and the keys: only root may read it.
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The new folder.", completion: .directory) var folder: String

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        let progress = Progress()
        progress.begin("files", of: nil)
        defer { progress.end() }
        let copy = TreeCopy(showing: progress, BackupLayout.choice)
        do throws(SystemError) {
            try check("mkdir", on: folder) { mkdir(folder, 0o700) }
        } catch {
            guard error.code == EEXIST else { throw Failure(error) }
            throw Failure("\(folder) is there already", cure: "name a new folder for each backup")
        }
        try translating { () throws(SystemError) in
            let target = try Folder(folder, listable: true)
            try Self.copyQueue(copy, places, target)
            for (path, name) in [
                (places.userManager, BackupLayout.accounts),
                (places.configuration, BackupLayout.configuration),
            ] {
                try target.makeFolder(name)
                try copy.copy(
                    try Folder(path, listable: true),
                    to: try Folder(name, in: target, listable: true), path: name)
            }
            try target.synchronizeFileSystem()
            let seal = try File(BackupLayout.seal, in: target, flags: O_WRONLY | O_CREAT | O_EXCL)
            try seal.write(Array("\(Self.facts(copy).pretty)\n".utf8))
            try seal.synchronize()
            try target.synchronize()
        }
        let (facts, files, octets, linked) = (
            Self.facts(copy), copy.files, copy.octets, copy.linked
        )
        return Answer(json: facts) { _ in
            "\(files) files, \(sizeText(octets)) octets, \(linked) of them linked and not copied, in \(folder)\n"
        }
    }

    private static func facts(_ copy: TreeCopy) -> JSON {
        [
            "version": .integer(BackupLayout.version),
            "made": .string(Timestamp.text(WallClock.seconds)),
            "files": .integer(copy.files), "octets": .integer(copy.octets),
            "linked": .integer(copy.linked),
            "passedOver": .strings(copy.strange),
        ]
    }

    private static func copyQueue(_ copy: TreeCopy, _ places: Places, _ target: borrowing Folder)
        throws(SystemError)
    {
        try target.makeFolder(BackupLayout.queue)
        let queue = try Folder(places.queue)
        let kept = try Folder(BackupLayout.queue, in: target, listable: true)
        for place in BackupLayout.places {
            try kept.makeFolder(place.rawValue)
            let source = try Folder(place.rawValue, in: queue, listable: true)
            let folder = try Folder(place.rawValue, in: kept, listable: true)
            try copy.copy(source, to: folder, path: "\(BackupLayout.queue)/\(place.rawValue)")
            try dropHalves(in: folder)
        }
    }

    /// Takes out what lost its other half while it was copied: it was sent, or not yet written.
    private static func dropHalves(in folder: borrowing Folder) throws(SystemError) {
        let names = Set(try folder.names())
        for name in names {
            guard let id = QueueID(name.prefix(QueueID.textLength)) else { continue }
            let other: String
            switch name {
            case QueueLayout.envelopeName(id): other = QueueLayout.messageName(id)
            case QueueLayout.messageName(id): other = QueueLayout.envelopeName(id)
            default: continue
            }
            if !names.contains(other) { try folder.unlink(name) }
        }
    }
}
