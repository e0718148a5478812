// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail
import TestSupport
import Testing

@testable import relayd

@MainActor @Suite struct DeliverTests {
    let root = TemporaryFolder()

    init() throws {
        try QueueLayout.makeFolders(root: root.path)
        let folder = try Folder(root.path)
        try folder.makeFolder("usermanager")
        try folder.makeFolder("usermanager/g")
    }

    func deliver() throws -> Deliver { try Deliver(root: root.path, host: "h") }

    func commit(_ users: [String], _ text: String = "hello") async throws -> QueueID {
        let queue = try Queue(root: root.path, pool: BlockingPool(threads: 2, name: "commit"))
        let draft = queue.draft()
        try await draft.append(Array(text.utf8))
        return try await draft.commit(to: users.map { AccountName(group: "g", user: $0) })
    }

    func names(_ path: String) throws -> [String] {
        guard access("\(root.path)/\(path)", F_OK) == 0 else { return [] }
        let folder = try Folder("\(root.path)/\(path)", listable: true)
        return try folder.names().sorted()
    }

    func mailbox(_ user: String) throws -> [String] {
        try names("usermanager/g/users/\(user)/Maildir/new")
    }

    @Test func liveMessagesAreDeliveredFromEventsAlone() async throws {
        let deliver = try deliver()
        let users = (1...20).map { "u\($0)" }
        let id = try await commit(users)
        let single = try await commit(["u1"])
        deliver.heedEvents()
        for user in users.dropFirst() { #expect(try mailbox(user) == ["\(id).h,S=5"]) }
        #expect(try mailbox("u1") == ["\(id).h,S=5", "\(single).h,S=5"].sorted())
        #expect(try names("queue/local").isEmpty)
    }

    @Test func aScanFindsWhatWasThereBefore() async throws {
        let ids = [try await commit(["u", "v"]), try await commit(["u"])]
        let deliver = try deliver()
        deliver.heedEvents()
        #expect(try names("queue/local").count == 3)
        await deliver.scan()
        #expect(try mailbox("u") == ids.map { "\($0).h,S=5" }.sorted())
        #expect(try mailbox("v").count == 1)
    }

    @Test func manyInOneScan() async throws {
        let users = (1...900).map { "u\($0)" }
        _ = try await commit(users)
        let deliver = try deliver()
        await deliver.scan()
        #expect(try names("queue/local").isEmpty)
        #expect(try users.allSatisfy { try mailbox($0).count == 1 })
    }

    @Test func whatCannotBeUnderstoodIsMovedAsideNeverDeleted() async throws {
        let id = try await commit(["u"])
        let local = "\(root.path)/queue/local"
        let name = try #require(try names("queue/local").first)
        truncate("\(local)/\(name)", 3)
        let folder = try Folder(root.path)
        _ = try File("queue/local/strange", in: folder, flags: O_CREAT | O_WRONLY, mode: 0o440)
        _ = try File("queue/corrupt/strange", in: folder, flags: O_CREAT | O_WRONLY, mode: 0o440)
        _ = try File("queue/local/.hidden", in: folder, flags: O_CREAT | O_WRONLY, mode: 0o440)
        let deliver = try deliver()
        await deliver.scan()
        #expect(try names("queue/local") == [".hidden"])
        let corrupt = try names("queue/corrupt")
        #expect(corrupt.count == 3 && corrupt.contains(name))
        #expect(corrupt.filter { $0.hasPrefix("strange") }.count == 2)
        #expect(try mailbox("u").isEmpty)
        _ = id
    }

    @Test func troubleSetsTheAccountAsideAndNobodyElse() async throws {
        let folder = try Folder(root.path)
        try folder.makeFolder("usermanager/g/users")
        // A file where the user's folder should be.
        _ = try File("usermanager/g/users/u", in: folder, flags: O_CREAT | O_WRONLY)
        let deliver = try deliver()
        for _ in 0..<3 { _ = try await commit(["u", "v"]) }
        deliver.heedEvents()
        #expect(try names("queue/local").count == 3)
        #expect(try mailbox("v").count == 3)
        let account = Setbacks.Subject.account(AccountName(group: "g", user: "u"))
        #expect(deliver.setbacks.isSetAside(account, now: .now))
        // Not tried again before its time.
        unlink("\(root.path)/usermanager/g/users/u")
        await deliver.scan()
        #expect(try mailbox("u").isEmpty)
        usleep(1_300_000)
        await deliver.scan()
        #expect(try mailbox("u").count == 3)
        #expect(deliver.setbacks.nextDue == nil)
    }

    @Test func twoRelaydShareOneQueue() async throws {
        var expected = 0
        let (one, other) = (try deliver(), try deliver())
        for round in 0..<5 {
            for user in 0..<20 {
                _ = try await commit(["u\(user)", "v\(user)"], "round \(round)")
                expected += 2
            }
            async let first: Void = one.scan()
            async let second: Void = other.scan()
            one.heedEvents()
            other.heedEvents()
            _ = await (first, second)
        }
        var found = 0
        for user in 0..<20 { found += try mailbox("u\(user)").count + mailbox("v\(user)").count }
        #expect(found == expected)
        #expect(try names("queue/local").isEmpty)
        #expect(try names("queue/corrupt").isEmpty)
    }

    @Test func aMessageInTheMakingIsLeftAlone() async throws {
        let id = QueueID(microseconds: WallClock.microseconds, random: 1)
        let name = "\(id).g.u,S=5,C=9a71bb4c"
        let folder = try Folder("\(root.path)/queue/local")
        let deliver = try deliver()
        do {
            let file = try File(name, in: folder, flags: O_CREAT | O_WRONLY, mode: 0o640)
            let isLocked = try file.tryLock()
            #expect(isLocked)
            try file.write(Array("hell".utf8))
            await deliver.scan()
            utimensat(folder.number, name, nil, 0)
            deliver.heedEvents()
            #expect(try names("queue/local") == [name])
            try file.write(Array("o".utf8))
        }
        // Its writer has died; nobody knows whether the client got its answer.
        await deliver.scan()
        #expect(try mailbox("u") == ["\(id).h,S=5"])
    }

    @Test(
        arguments: [(0, "0.000"), (1_234_567, "1.234"), (61_000_999, "61.000")]
            as [(UInt64, String)])
    func secondsHaveMilliseconds(microseconds: UInt64, text: String) {
        let then = WallClock.microseconds - microseconds
        // A test may take some milliseconds itself.
        #expect(Deliver.seconds(since: then).prefix(text.count - 2) == text.dropLast(2))
    }
}
