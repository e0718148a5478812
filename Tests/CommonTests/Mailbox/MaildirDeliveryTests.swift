// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail
import TestSupport
import Testing

@testable import Common

@Suite struct MaildirDeliveryTests {
    let fixture: QueueFixture
    let entry: EntryName
    static let text = "Subject: x\r\n\r\n123456789\r\n"

    init() throws {
        fixture = try QueueFixture()
        entry = EntryName(
            id: QueueID(microseconds: 1_780_000_000_000_000, random: 9),
            account: QueueFixture.account("u"), claim: nil)
        try put()
    }

    func put(_ text: String = Self.text) throws {
        unlink("\(fixture.root)/queue/local/\(entry.text)")
        let folder = try Folder("\(fixture.root)/queue/local")
        let file = try File(entry.text, in: folder, flags: O_RDWR | O_CREAT)
        try file.write(Array(text.utf8))
        try file.setMode(0o440)
    }

    func delivery() throws -> MaildirDelivery {
        try MaildirDelivery(root: fixture.root, host: QueueFixture.host)
    }

    func deliver() throws -> MaildirDelivery.Result {
        let (delivery, size) = (try delivery(), Self.text.utf8.count)
        let result = try delivery.deliver(entry, named: entry.text, size: size)
        if result != .mustCopy { return result }
        return try delivery.copy(entry, named: entry.text, size: size)
    }

    /// Puts the mailboxes on another file system.
    func moveMailboxes() throws -> TemporaryFolder {
        let other = TemporaryFolder(in: "/dev/shm")
        let path = "\(fixture.root)/usermanager"
        rmdir("\(path)/g")
        rmdir(path)
        symlink(other.path, path)
        try fixture.makeFolder("usermanager/g")
        return other
    }

    static let hasOtherFileSystem: Bool = {
        var (one, other) = (stat(), stat())
        return stat("/tmp", &one) == 0 && stat("/dev/shm", &other) == 0
            && one.st_dev != other.st_dev
            && access("/dev/shm", W_OK) == 0
    }()

    func expectDeliveredOnce() throws {
        let mailbox = try fixture.mailbox("u")
        #expect(mailbox.map(\.contents) == [Array(Self.text.utf8)])
        #expect(mailbox.first.map { MaildirName($0.name).queueID } == entry.id)
        #expect(try fixture.names("queue/local").isEmpty)
        #expect(try fixture.names("usermanager/g/users/u/Maildir/tmp").isEmpty)
    }

    @Test func makesTheMailboxAndRenames() throws {
        let inode = try fixture.status("queue/local/\(entry.text)").inode
        #expect(try deliver() == .delivered)
        try expectDeliveredOnce()
        let name = MaildirName(id: entry.id, host: QueueFixture.host, size: nil).text
        let status = try fixture.status("usermanager/g/users/u/Maildir/new/\(name)")
        #expect(status.inode == inode)
        #expect(try fixture.names("usermanager/g/users/u/Maildir") == ["cur", "new", "tmp"])
        #expect(try deliver() == .gone)
    }

    @Test func foldersGetTheirParentsPermissions() throws {
        chmod("\(fixture.root)/usermanager/g", 0o2770)
        let mask = umask(0o007)
        defer { umask(mask) }
        #expect(try deliver() == .delivered)
        for path in ["users", "users/u", "users/u/Maildir", "users/u/Maildir/new"] {
            #expect(try fixture.status("usermanager/g/\(path)").permissions == 0o2770)
        }
    }

    @Test func neverOverwrites() throws {
        #expect(try deliver() == .delivered)
        try put(String(Self.text.reversed()))
        #expect(try deliver() == .clash)
        #expect(try fixture.mailbox("u").map(\.contents) == [Array(Self.text.utf8)])
        #expect(try fixture.names("queue/local").count == 1)
    }

    /// A power cut may show the entry again beside the delivered message.
    @Test(arguments: [true, false]) func settlesWhatIsDeliveredAlready(isSameFile: Bool) throws {
        #expect(try deliver() == .delivered)
        let name = MaildirName(id: entry.id, host: QueueFixture.host, size: nil).text
        if isSameFile {
            link(
                "\(fixture.root)/usermanager/g/users/u/Maildir/new/\(name)",
                "\(fixture.root)/queue/local/\(entry.text)")
        } else {
            try put()
        }
        #expect(try deliver() == .delivered)
        try expectDeliveredOnce()
    }

    @Test func troubleIsTemporaryAndLeavesTheEntry() throws {
        rmdir("\(fixture.root)/usermanager/g")
        #expect(throws: MailboxError.self) { try deliver() }
        #expect(try fixture.names("queue/local") == [entry.text])
        _ = try File(path: "\(fixture.root)/usermanager/g", flags: O_CREAT | O_WRONLY)
        #expect(throws: MailboxError.self) { try deliver() }
        #expect(try fixture.names("queue/local") == [entry.text])
        unlink("\(fixture.root)/usermanager/g")
        try fixture.makeFolder("usermanager/g")
        #expect(try deliver() == .delivered)
    }

    @Test(arguments: ["..", ".", "a/../../..", ""]) func neverLeavesTheMailboxes(user: String)
        throws
    {
        let hostile = EntryName(id: entry.id, account: QueueFixture.account(user), claim: nil)
        let delivery = try delivery()
        #expect(try delivery.deliver(hostile, named: entry.text, size: 1) == .damaged)
        #expect(try delivery.copy(hostile, named: entry.text, size: 1) == .damaged)
    }

    @Test(.enabled(if: hasOtherFileSystem)) func copiesToAnotherFileSystem() throws {
        let other = try moveMailboxes()
        let (delivery, size) = (try delivery(), Self.text.utf8.count)
        #expect(try delivery.deliver(entry, named: entry.text, size: size) == .mustCopy)
        #expect(try delivery.copy(entry, named: entry.text, size: size) == .delivered)
        try expectDeliveredOnce()
        #expect(try deliver() == .gone)
        _ = other
    }

    /// docs/queue.md §6, the copy's table: stopped after each step, tried again.
    @Test(.enabled(if: hasOtherFileSystem), arguments: CopyStep.allCases)
    func aCopyThatWasCutShortIsFinished(after step: CopyStep) throws {
        for reaction in 0..<2 {
            try put()
            let other = try moveMailboxes()
            let delivery = try delivery()
            let size = Self.text.utf8.count
            #expect(try delivery.deliver(entry, named: entry.text, size: size) == .mustCopy)
            var job = try #require(delivery.job(entry, named: entry.text, size: size))
            job.goesOn = { $0 != step }
            #expect(try job.run() == nil)
            let isThere = try fixture.mailbox("u").count == 1
            let name = MaildirName(id: entry.id, host: QueueFixture.host, size: nil).text
            if reaction == 1, isThere {
                // The owner's mail reader has moved it meanwhile.
                let path = "\(fixture.root)/usermanager/g/users/u/Maildir"
                rename("\(path)/new/\(name)", "\(path)/cur/\(name):2,S")
            }
            let result = try deliver()
            #expect(result == (step == .removed ? .gone : .delivered))
            #expect(try fixture.mailbox("u").map(\.contents) == [Array(Self.text.utf8)])
            #expect(try fixture.names("queue/local").isEmpty)
            unlink("\(fixture.root)/usermanager")
            try fixture.makeFolder("usermanager")
            _ = other
        }
    }

    @Test(.enabled(if: hasOtherFileSystem)) func oneCopiesAtATime() throws {
        let other = try moveMailboxes()
        let delivery = try delivery()
        let maildir = try #require(Maildir(entry.account))
        try maildir.makeFolders(in: delivery.accounts)
        let copy = try File(
            maildir.path("tmp", entry.id.description), in: delivery.accounts,
            flags: O_RDWR | O_CREAT)
        let isLocked = try copy.tryLock()
        #expect(isLocked)
        #expect(throws: MailboxError.busy) { try deliver() }
        try copy.unlock()
        #expect(try deliver() == .delivered)
        try expectDeliveredOnce()
        _ = other
    }

    @Test(.enabled(if: hasOtherFileSystem)) func aDamagedEntryIsNotCopied() throws {
        let other = try moveMailboxes()
        let delivery = try delivery()
        let claimed = EntryName(
            id: entry.id, account: entry.account,
            claim: EntryName.Claim(size: Self.text.utf8.count, checksum: 1))
        let size = Self.text.utf8.count
        #expect(try delivery.copy(claimed, named: entry.text, size: size) == .damaged)
        #expect(try fixture.mailbox("u").isEmpty)
        #expect(try fixture.names("usermanager/g/users/u/Maildir/tmp").isEmpty)
        #expect(try fixture.names("queue/local").count == 1)
        _ = other
    }
}
