// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail
import TestSupport
import Testing

@testable import wmail

/// Each message once, whatever is done how often.
@Suite struct MailboxWriterTests {
    let folder = TemporaryFolder()
    let places: Places
    let maildir: Maildir

    init() throws {
        places = Places(root: folder.path)
        let root = try Folder(folder.path)
        try root.makeFolder("usermanager")
        try root.makeFolder("usermanager/g")
        maildir = try #require(Maildir(AccountName(group: "g", user: "u")))
    }

    static func message(_ number: Int, uniqueID: String? = nil, flags: String? = nil)
        -> ForeignMessage
    {
        ForeignMessage(
            key: "test:\(number)", content: Array("Subject: \(number)\r\n\r\nx\r\n".utf8),
            arrived: UInt64(1_700_000_000 + number) * 1_000_000, uniqueID: uniqueID, flags: flags)
    }

    func run(_ messages: [ForeignMessage]) throws -> MailboxWriter.Tally {
        let writer = try MailboxWriter(maildir, in: places)
        for message in messages { try writer.put(message) }
        try writer.settle()
        return writer.tally
    }

    func names(_ place: String) throws -> [String] {
        let folder = try Folder(
            "\(folder.path)/usermanager/\(maildir.path)/\(place)", listable: true)
        return try folder.names().sorted()
    }

    @Test func twiceIsOnce() throws {
        let messages = [Self.message(1), Self.message(2, flags: ""), Self.message(3, flags: "RS")]
        #expect(try run(messages).imported == 3)
        let again = try run(messages + [Self.message(4)])
        #expect(again.imported == 1)
        #expect(again.present == 3)
        #expect(try names("new").count == 2)
        #expect(try names("cur").map { MaildirName($0).flags } == ["", "RS"])
        #expect(try names("tmp") == [])
    }

    @Test func whatItsOwnerDeletedStaysDeleted() throws {
        _ = try run([Self.message(1)])
        let name = try #require(try names("new").first)
        unlink("\(folder.path)/usermanager/\(maildir.path)/new/\(name)")
        #expect(try run([Self.message(1)]).present == 1)
        #expect(try names("new") == [])
    }

    @Test func killedBeforeItWasNoted() throws {
        _ = try run([Self.message(1), Self.message(2)])
        let maildirPath = "\(folder.path)/usermanager/\(maildir.path)"
        unlink("\(maildirPath)/\(MailboxWriter.journalName)")
        // One is whole, the other has lost its contents.
        let names = try names("new")
        let damaged = try File(path: "\(maildirPath)/new/\(names[1])", flags: O_WRONLY | O_TRUNC)
        try damaged.synchronize()
        let tally = try run([Self.message(1), Self.message(2)])
        #expect(tally.present == 1)
        #expect(tally.imported == 1)
        #expect(try self.names("new") == names)
        let file = try File(path: "\(maildirPath)/new/\(names[1])")
        #expect(try file.readAll() == Self.message(2).content)
    }

    @Test func uniqueIDsAreKeptOrTold() throws {
        let tally = try run([
            Self.message(1, uniqueID: "000061ae4c08f430"), Self.message(2, uniqueID: "a,b:c%d"),
            Self.message(3, uniqueID: "000061ae4c08f430"), Self.message(4, uniqueID: "with space"),
            Self.message(5, uniqueID: "a/b"),
        ])
        #expect(tally.imported == 5)
        #expect(tally.changed.count == 2)
        let kept = try names("new").map { MaildirName($0).keptUniqueID }
        #expect(kept.compactMap(\.self) == ["000061ae4c08f430", "a,b:c%d", "a/b"])
    }

    @Test func onlyOneAtATime() throws {
        let writer = try MailboxWriter(maildir, in: places)
        #expect(throws: SystemError.self) { try MailboxWriter(maildir, in: places) }
        try writer.settle()
    }
}
