// SPDX-License-Identifier: Apache-2.0
package import Mail

/// Where things of the queue lie; docs/queue.md explains each place and every name.
package enum QueueLayout {
    /// The queue's folder under the instance's root.
    package static let queue = "queue"
    /// Drafts.
    package static let drafts = "tmp"
    /// Entries for accounts of this server.
    package static let local = "local"
    /// Entries for other servers.
    package static let relay = "relay"
    /// Entries that the operator holds back.
    package static let hold = "hold"
    /// What could not be understood.
    package static let corrupt = "corrupt"
    /// All folders inside the queue's folder.
    package static let folders = [drafts, local, relay, hold, corrupt]

    /// The queue's folder of the instance in `root`.
    package static func path(root: String) -> String {
        "\(root)/\(queue)"
    }

    /// Makes all folders that are not there, for their owner alone.
    ///
    /// - Parameter root: The instance's folder; it exists.
    /// - Throws: `SystemError` of mkdirat(2) or open(2).
    package static func makeFolders(root: String) throws(SystemError) {
        try Folder(root).makeFolder(queue)
        let parent = try Folder(path(root: root))
        for name in folders { try parent.makeFolder(name) }
        let drafts = try Folder(drafts, in: parent, listable: true)
        drafts.spreadSubfolders()
        for name in draftFolders { try drafts.makeFolder(name) }
    }

    /// The folders inside `tmp` over which drafts are spread, by the last character of the id, which is random.
    ///
    /// A file system allocates a file near its folder; with all in one place ext4 spends up to a millisecond a message
    /// on looking for an inode that was not freed lately (docs/decisions/0006).
    package static let draftFolders = "0123456789abcdefghijklmnopqrstuv".map(String.init)

    /// A draft's file, seen from `tmp`.
    package static func draftName(_ id: QueueID) -> String {
        let name = id.description
        return "\(name.suffix(1))/\(name)"
    }

    /// The draft of a message's envelope, seen from `tmp`.
    package static func draftEnvelopeName(_ id: QueueID) -> String {
        "\(draftName(id)).env"
    }

    /// The envelope of a message for other servers, while it is a draft or an entry.
    package static func envelopeName(_ id: QueueID) -> String {
        "\(id).env"
    }

    /// The message file of an entry for other servers.
    package static func messageName(_ id: QueueID) -> String {
        "\(id).msg"
    }

    /// The envelope of an entry whose writer died, while it is being copied.
    package static func adoptedName(_ id: QueueID) -> String {
        "\(id).adopt"
    }

    /// Whose envelope a name in the folder of entries for other servers is; nil for anything else.
    package static func relayID(ofName name: String) -> QueueID? {
        name.hasSuffix(".env") ? QueueID(name.dropLast(4)) : nil
    }

    /// Whose draft a name in the drafts' folder is; nil when it is not one of ours.
    package static func draftID(ofName name: String) -> QueueID? {
        QueueID(name) ?? (name.hasSuffix(".env") ? QueueID(name.dropLast(4)) : nil)
    }

    /// Names that are passed over silently: NFS makes such ones, editors too.
    package static func isHidden(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: ".")
    }
}
