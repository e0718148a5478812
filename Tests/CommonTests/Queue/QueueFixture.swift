// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail
import TestSupport
import Testing

@testable import Common

/// An instance's folders, and what a relayd that has just started would do to them.
struct QueueFixture: Sendable {
    let folder: TemporaryFolder
    let root: String

    static let host = "mx.example.test"

    init(in parent: String = "/tmp") throws {
        folder = TemporaryFolder(in: parent)
        root = folder.path
        try QueueLayout.makeFolders(root: root)
        let folder = try Folder(root)
        try folder.makeFolder("usermanager")
        try folder.makeFolder("usermanager/g")
    }

    static func account(_ user: String) -> AccountName { AccountName(group: "g", user: user) }

    func names(_ path: String) throws -> [String] {
        guard access("\(root)/\(path)", F_OK) == 0 else { return [] }
        let folder = try Folder("\(root)/\(path)", listable: true)
        return try folder.names().sorted()
    }

    /// The drafts' names, seen from `queue/tmp`.
    func drafts() throws -> [String] {
        try QueueLayout.draftFolders.flatMap { folder in
            try names("queue/tmp/\(folder)").map { "\(folder)/\($0)" }
        }
    }

    func contents(_ path: String) throws -> [UInt8] {
        let file = try File(path: "\(root)/\(path)")
        return try file.readAll()
    }

    func status(_ path: String) throws -> FileStatus {
        let folder = try Folder(root)
        return try folder.status(of: path)
    }

    func makeFolder(_ path: String) throws {
        let folder = try Folder(root)
        try folder.makeFolder(path)
    }

    /// The messages that a user finds, contents and file names.
    func mailbox(_ user: String) throws -> [(name: String, contents: [UInt8])] {
        let path = "usermanager/g/users/\(user)/Maildir"
        var found: [(name: String, contents: [UInt8])] = []
        for folder in ["new", "cur"] {
            for name in try names("\(path)/\(folder)") {
                found.append((name, try contents("\(path)/\(folder)/\(name)")))
            }
        }
        return found
    }

    /// Delivers all that can be delivered, as after a start; says what was moved aside.
    func recover() throws -> [String] {
        let delivery = try MaildirDelivery(root: root, host: Self.host)
        var corrupt: [String] = []
        for name in try names("queue/local") {
            switch EntryInspection(of: name, in: delivery.local, verifying: true) {
            case .deliverable(let entry, let size):
                var result = try delivery.deliver(entry, named: name, size: size)
                if result == .mustCopy {
                    result = try delivery.copy(entry, named: name, size: size)
                }
                #expect(result == .delivered)
            case .corrupt:
                corrupt.append(name)
                let folder = try Folder("\(root)/queue/corrupt")
                try delivery.local.rename(name, to: name, in: folder)
            case .passOver: break
            case .trouble(let error): throw error
            }
        }
        return corrupt
    }

    @MainActor func queue(_ settings: QueueSettings = QueueSettings()) throws -> Queue {
        try Queue(
            root: root, pool: BlockingPool(threads: 4, name: "commit"), settings: settings)
    }

    /// A message of a length; no two alike.
    static func message(_ size: Int) -> [UInt8] {
        var value = UInt32.random(in: 1 ... .max)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            for index in 0..<size {
                value = value &* 1_664_525 &+ 1_013_904_223
                buffer[index] = UInt8(truncatingIfNeeded: value >> 24)
            }
            // Never zero, so that tests which zero the end change something.
            if size > 0 { buffer[size - 1] |= 1 }
            filled = size
        }
    }
}
