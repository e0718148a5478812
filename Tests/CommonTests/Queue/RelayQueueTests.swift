// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail
import Testing

@testable import Common

/// docs/queue.md §8: commits that also go to other servers, and claims.
@Suite struct RelayQueueTests {
    static let steps: [CommitStep] = [
        .opened, .locked, .written, .envelopeWritten, .relayLinked, .linked(0), .named,
        .envelopeNamed, .synchronized, .envelopeSynchronized, .namesSynchronized, .sealed,
    ]

    let fixture: QueueFixture

    init() throws { fixture = try QueueFixture() }

    func envelope() throws -> RelayEnvelope { try EnvelopeFileTests.entry().envelope }

    func commit(
        _ message: [UInt8], users: [String] = ["one", "two"], stoppingAfter last: CommitStep? = nil
    ) throws -> QueueID {
        let id = QueueID(microseconds: WallClock.microseconds, random: .random(in: 0 ... .max))
        let folder = try Folder("\(fixture.root)/queue/hold")
        let scratch = try File("scratch", in: folder, flags: O_RDWR | O_CREAT)
        try scratch.write(message)
        let checksum = try scratch.checksum()
        try folder.unlink("scratch")
        let claim = EntryName.Claim(size: message.count, checksum: checksum)
        let entry = RelayEntry(
            id: id, envelope: try envelope(),
            claim: RelayEntry.Claim(size: message.count, checksum: checksum))
        var commit = Commit(
            folders: try QueueFolders(root: fixture.root, alwaysSyncFolders: false), id: id,
            file: nil, rest: message,
            entries: users.map {
                EntryName(id: id, account: QueueFixture.account($0), claim: claim).text
            }, envelope: EnvelopeFile.firstLine(entry))
        commit.goesOn = { $0 != last }
        #expect(try commit.run() == (last == nil))
        return id
    }

    @Test(arguments: [[], ["one"], ["one", "two"]])
    func commitsBoth(_ users: [String]) throws {
        let message = QueueFixture.message(3000)
        let id = try commit(message, users: users)
        #expect(try fixture.drafts().isEmpty)
        #expect(try fixture.names("queue/relay") == ["\(id).env", "\(id).msg"])
        #expect(try fixture.status("queue/relay/\(id).env").permissions == 0o660)
        let status = try fixture.status("queue/relay/\(id).msg")
        #expect(status.permissions == 0o440 && status.links == 1 + users.count)
        #expect(try fixture.recover().isEmpty)
        for user in users { #expect(try fixture.mailbox(user).first?.contents == message) }
        let queue = try RelayQueue(root: fixture.root)
        guard case .claimed(let claim, let entry) = try queue.claim(id) else {
            Issue.record("not claimed")
            return
        }
        #expect(try claim.message().readAll() == message)
        #expect(entry.pending.count == 2)
        // Held by this one: nobody else gets it.
        guard case .busy = try RelayQueue(root: fixture.root).claim(id) else {
            Issue.record("claimed twice")
            return
        }
        try claim.record([.warned(time: 5), .postponed(until: 77)])
        #expect(try queue.next(of: id) == 77)
        try claim.settle()
        #expect(try fixture.names("queue/relay").isEmpty)
        guard case .gone = try queue.claim(id) else {
            Issue.record("not gone")
            return
        }
    }

    /// What a shared file system does to a host that it has not heard of for a while.
    private func loseLock(of claim: borrowing RelayClaim, _ id: QueueID) throws {
        let inode = try fixture.status("queue/relay/\(id).env").inode
        for number in Int32(3)..<1024 {
            var status = stat()
            guard fstat(number, &status) == 0, UInt64(status.st_ino) == inode else { continue }
            // OFD locks are of the open file, so a second descriptor gives them up.
            let copy = FileDescriptor(owning: dup(number))
            try File(copy, path: "copy").unlock()
        }
    }

    @Test func claimThatWasLost() throws {
        let id = try commit(QueueFixture.message(10), users: [])
        let queue = try RelayQueue(root: fixture.root)
        guard case .claimed(let claim, _) = try queue.claim(id) else {
            Issue.record("not claimed")
            return
        }
        #expect(try claim.isOurs())
        // Lost and not taken by anybody: it is ours again.
        try loseLock(of: claim, id)
        #expect(try claim.isOurs())
        guard case .busy = try RelayQueue(root: fixture.root).claim(id) else {
            Issue.record("not locked again")
            return
        }
        try loseLock(of: claim, id)
        guard case .claimed(let other, _) = try RelayQueue(root: fixture.root).claim(id) else {
            Issue.record("not claimed by the other")
            return
        }
        #expect(try !claim.isOurs())
        #expect(try other.isOurs())
        try queue.hold(other)
        #expect(try !other.isOurs())
    }

    @Test(arguments: [
        (length: 3000, limit: 3000, age: 0.0, isGiven: true),
        (3000, 16_384, 0.9, true), (3000, 2999, 0, false), (3000, 0, 0, false),
        (3000, 16_384, 1.1, false),
    ])
    func shortMessagesAreReadAlong(
        length: Int, limit: Int, age: Double, isGiven: Bool
    ) throws {
        let message = QueueFixture.message(length)
        let id = try commit(message, users: [])
        let queue = try RelayQueue(root: fixture.root)
        guard case .claimed(let claim, _) = try queue.claim(id, readingUpTo: limit) else {
            Issue.record("not claimed")
            return
        }
        let now = Deadline.now.advanced(by: age)
        #expect(claim.takeFreshText(now: now) == (isGiven ? message : nil))
        #expect(claim.takeFreshText(now: now) == nil)
    }

    @Test func settlingEndsTheClaim() throws {
        let id = try commit(QueueFixture.message(10), users: [])
        let queue = try RelayQueue(root: fixture.root)
        guard case .claimed(let claim, _) = try queue.claim(id) else {
            Issue.record("not claimed")
            return
        }
        try claim.settle()
        #expect(try fixture.names("queue/relay").isEmpty)
        #expect(try !claim.isOurs())
        #expect(throws: SystemError.self) { try claim.record([.postponed(until: 1)]) }
    }

    /// The names that are there decide: an envelope makes an entry, and the message is whole.
    @Test(arguments: steps) func killed(after step: CommitStep) throws {
        let message = QueueFixture.message(3000)
        let id = try commit(message, stoppingAfter: step)
        let queue = try RelayQueue(root: fixture.root)
        let hasEnvelope = try fixture.names("queue/relay").contains("\(id).env")
        #expect(hasEnvelope == (Self.steps.firstIndex(of: step) ?? 0 >= 7))
        switch try queue.claim(id) {
        case .claimed(let claim, _):
            #expect(hasEnvelope)
            #expect(try claim.message().readAll() == message)
        case .gone: #expect(!hasEnvelope)
        case .busy, .damaged, .corrupt: Issue.record("unexpected")
        }
        // What is left over without an envelope is swept when it is old.
        let removed = try queue.sweep(now: WallClock.seconds + 4000)
        #expect(removed.isEmpty == (hasEnvelope || step.isBeforeRelay))
        #expect(try fixture.recover().isEmpty)
    }

    /// A power cut may keep names and lose contents.
    @Test(arguments: [0, 100, 2999]) func torn(to count: Int) throws {
        let message = QueueFixture.message(3000)
        let id = try commit(message, users: [], stoppingAfter: .envelopeNamed)
        #expect(truncate("\(fixture.root)/queue/relay/\(id).msg", count) == 0)
        guard case .corrupt = try RelayQueue(root: fixture.root).claim(id) else {
            Issue.record("not corrupt")
            return
        }
        #expect(try fixture.names("queue/corrupt") == ["\(id).env", "\(id).msg"])
        #expect(try fixture.names("queue/relay").isEmpty)
    }

    @Test func zeroedContentsAreFound() throws {
        let id = try commit(QueueFixture.message(3000), users: [], stoppingAfter: .envelopeNamed)
        let path = "\(fixture.root)/queue/relay/\(id).msg"
        #expect(truncate(path, 0) == 0 && truncate(path, 3000) == 0)
        guard case .corrupt(let reason) = try RelayQueue(root: fixture.root).claim(id) else {
            Issue.record("not corrupt")
            return
        }
        #expect(reason.contains("checksum"))
    }

    @Test func tornEnvelope() throws {
        let id = try commit(QueueFixture.message(10), users: [], stoppingAfter: .envelopeNamed)
        #expect(truncate("\(fixture.root)/queue/relay/\(id).env", 40) == 0)
        guard case .corrupt = try RelayQueue(root: fixture.root).claim(id) else {
            Issue.record("not corrupt")
            return
        }
    }

    /// Somebody may be copying the message there, or a shared file system healing it.
    @Test func damagedIsSparedWhereAsked() throws {
        let message = QueueFixture.message(3000)
        let id = try commit(message, users: [])
        let folder = try Folder("\(fixture.root)/queue/relay")
        try folder.rename("\(id).msg", to: "later", in: folder)
        let queue = try RelayQueue(root: fixture.root)
        guard case .damaged(let reason) = try queue.claim(id, sparesDamaged: true) else {
            Issue.record("not spared")
            return
        }
        #expect(reason == "it has no .msg")
        try folder.rename("later", to: "\(id).msg", in: folder)
        guard case .claimed(let claim, _) = try queue.claim(id, sparesDamaged: true) else {
            Issue.record("not claimed")
            return
        }
        #expect(try claim.message().readAll() == message)
    }

    /// rename(2) of one link of a file to the other does nothing and says that it did.
    @Test func corruptLeavesThoughItIsThereAlready() throws {
        let id = try commit(QueueFixture.message(10), users: [])
        let folder = try Folder("\(fixture.root)/queue/relay")
        let corrupt = try Folder("\(fixture.root)/queue/corrupt")
        try folder.unlink("\(id).msg")
        try folder.link("\(id).env", to: "\(id).env", in: corrupt)
        guard case .corrupt = try RelayQueue(root: fixture.root).claim(id) else {
            Issue.record("not corrupt")
            return
        }
        #expect(try fixture.names("queue/relay").isEmpty)
        #expect(try fixture.names("queue/corrupt") == ["\(id).env"])
    }

    @Test func listsManyAndReadsTheirTimes() throws {
        let folder = try Folder("\(fixture.root)/queue/relay")
        var expected: Set<QueueID> = []
        let line = EnvelopeFile.firstLine(try EnvelopeFileTests.entry())
        for index in 0..<2000 {
            let id = QueueID(microseconds: UInt64(index), random: 1)
            let file = try File(
                QueueLayout.envelopeName(id), in: folder, flags: O_WRONLY | O_CREAT, mode: 0o660)
            try file.write(line + EnvelopeFile.line(.postponed(until: index)))
            expected.insert(id)
        }
        let queue = try RelayQueue(root: fixture.root)
        let listing = try queue.listing()
        var found: Set<QueueID> = []
        while let ids = try listing.next() {
            for id in ids {
                #expect(try queue.next(of: id) == Int(id.microseconds))
                found.insert(id)
            }
        }
        #expect(found == expected)
    }
}

extension CommitStep {
    fileprivate var isBeforeRelay: Bool {
        switch self {
        case .opened, .locked, .written, .envelopeWritten: true
        default: false
        }
    }
}
