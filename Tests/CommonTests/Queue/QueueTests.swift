// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail
import Testing

@testable import Common

@MainActor @Suite struct QueueTests {
    let fixture: QueueFixture

    init() throws { fixture = try QueueFixture() }

    nonisolated static let sizes = [0, 1, 4096, 131_072, 131_073, 1_000_000]

    @Test(arguments: sizes) func deliversWhatWasDrafted(size: Int) async throws {
        let message = QueueFixture.message(size)
        let draft = try fixture.queue().draft()
        var rest = message[...]
        while !rest.isEmpty {
            let count = min(rest.count, .random(in: 1...100_000))
            try await draft.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        #expect(draft.size == size)
        let id = try await draft.commit(to: [QueueFixture.account("u")])
        #expect(id == draft.id)
        let entries = try fixture.names("queue/local")
        #expect(entries.count == 1)
        let entry = try #require(entries.first.flatMap(EntryName.init))
        #expect(entry.id == id && entry.claim?.size == size)
        let status = try fixture.status("queue/local/\(entry.text)")
        #expect(status.permissions == 0o440 && status.isCommitted)
        #expect(try fixture.drafts().isEmpty)
        #expect(try fixture.recover().isEmpty)
        let mailbox = try fixture.mailbox("u")
        #expect(mailbox.map(\.name) == ["\(id).mx.example.test,S=\(size)"])
        #expect(mailbox.first?.contents == message)
        #expect(try fixture.names("queue/local").isEmpty)
    }

    @Test func storesAMessageForFiftyOnce() async throws {
        let users = (1...50).map { "user\($0)" }
        let draft = try fixture.queue().draft()
        try await draft.append(QueueFixture.message(5000))
        try await draft.commit(to: (users + users).map(QueueFixture.account))
        #expect(try fixture.names("queue/local").count == 50)
        #expect(try fixture.recover().isEmpty)
        var inodes: Set<UInt64> = []
        for user in users {
            let path = "usermanager/g/users/\(user)/Maildir/new"
            let names = try fixture.names(path)
            #expect(names.count == 1)
            let status = try fixture.status("\(path)/\(names.first ?? "")")
            #expect(status.links == 50)
            inodes.insert(status.inode)
        }
        #expect(inodes.count == 1)
    }

    @Test func longDraftsDoNotStayInMemory() async throws {
        let queue = try fixture.queue()
        let draft = queue.draft()
        for _ in 0..<40 { try await draft.append(QueueFixture.message(16 << 10)) }
        #expect(queue.buffered <= 128 << 10)
        #expect(try fixture.drafts() == [QueueLayout.draftName(draft.id)])
        let file = try File(path: "\(fixture.root)/queue/tmp/\(QueueLayout.draftName(draft.id))")
        let isLocked = try file.isLockedByAnother()
        #expect(isLocked)
        try await draft.commit(to: [QueueFixture.account("u")])
        #expect(queue.buffered == 0)
        let isStillLocked = try file.isLockedByAnother()
        #expect(!isStillLocked)
    }

    @Test func manyDraftsTogetherDoNotStayInMemoryEither() async throws {
        var settings = QueueSettings()
        settings.allDraftsMemory = 100_000
        let queue = try fixture.queue(settings)
        var drafts: [Draft] = []
        for _ in 0..<50 {
            let draft = queue.draft()
            try await draft.append(QueueFixture.message(8192))
            drafts.append(draft)
        }
        #expect(queue.buffered <= 100_000)
        #expect(try fixture.drafts().count >= 38)
        for draft in drafts { try await draft.commit(to: [QueueFixture.account("u")]) }
        #expect(try fixture.recover().isEmpty)
        #expect(try fixture.mailbox("u").map(\.contents.count) == Array(repeating: 8192, count: 50))
    }

    @Test func aDraftThatIsDroppedLeavesNothing() async throws {
        let queue = try fixture.queue()
        var draft: Draft? = queue.draft()
        try await draft?.append(QueueFixture.message(300_000))
        #expect(try fixture.drafts().count == 1)
        draft = nil
        #expect(try fixture.drafts().isEmpty)
        let other = queue.draft()
        try await other.append(QueueFixture.message(300_000))
        other.discard()
        #expect(try fixture.drafts().isEmpty)
        #expect(queue.buffered == 0)
    }

    @Test func aFailedCommitLeavesNothing() async throws {
        let queue = try fixture.queue()
        let draft = queue.draft()
        try await draft.append(QueueFixture.message(100))
        // The third link finds its name taken: no crash, an error in mid-commit.
        let users = (1...5).map { QueueFixture.account("u\($0)") }
        let taken = EntryName(id: draft.id, account: users[2], claim: draft.claim).text
        try fixture.makeFolder("queue/local/\(taken)")
        await #expect(throws: QueueError.self) { try await draft.commit(to: users) }
        #expect(try fixture.names("queue/local") == [taken])
        #expect(try fixture.drafts().isEmpty)
    }

    @Test func anAccountThatCannotBeNamedIsRefused() async throws {
        let draft = try fixture.queue().draft()
        let account = AccountName(group: "g", user: String(repeating: "é", count: 40))
        await #expect(throws: QueueError.unnameable(account)) {
            try await draft.commit(to: [account])
        }
    }

    nonisolated static let errors: [(Int32, Bool)] = [
        (ENOSPC, true), (EDQUOT, true), (EROFS, false), (EIO, false), (EMFILE, false),
    ]

    @Test(arguments: errors) func tellsAFullDiskFromOtherTrouble(code: Int32, isFull: Bool) {
        let error = SystemError("write", code: code)
        #expect(QueueError(error) == (isFull ? .storageFull(error) : .trouble(error)))
    }

    @Test func flushesTheFolderWhenTold() async throws {
        var settings = QueueSettings()
        settings.alwaysSyncFolders = true
        let queue = try fixture.queue(settings)
        #expect(queue.folders.nameFlush == .folder)
        let draft = queue.draft()
        try await draft.commit(to: [QueueFixture.account("u")])
        #expect(try fixture.names("queue/local").count == 1)
        #expect(try fixture.queue().folders.nameFlush == .none)
    }
}
