// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail
import Testing

@testable import Common

/// docs/queue.md §4, row by row: stops a commit after each call, as kill -9 and as a power cut.
@Suite struct CommitCrashTests {
    static let users = ["one", "two", "three"]
    static let steps: [CommitStep] = [
        .opened, .locked, .written, .linked(0), .linked(1), .named, .synchronized,
        .namesSynchronized, .sealed,
    ]

    /// A commit for all users that ends after a step without any cleaning up; its lock is gone, as its holder is.
    static func commit(
        _ message: [UInt8], in fixture: QueueFixture, stoppingAfter last: CommitStep
    ) throws -> QueueID {
        let id = QueueID(microseconds: WallClock.microseconds, random: .random(in: 0 ... .max))
        var checksum: UInt32 = 0
        let folder = try Folder("\(fixture.root)/queue/corrupt")
        let scratch = try File("scratch", in: folder, flags: O_RDWR | O_CREAT)
        try scratch.write(message)
        checksum = try scratch.checksum()
        try folder.unlink("scratch")
        let claim = EntryName.Claim(size: message.count, checksum: checksum)
        var commit = Commit(
            folders: try QueueFolders(root: fixture.root, alwaysSyncFolders: true), id: id,
            file: nil,
            rest: message,
            entries: users.map {
                EntryName(id: id, account: QueueFixture.account($0), claim: claim).text
            })
        commit.goesOn = { $0 != last }
        let isDone = try commit.run()
        #expect(!isDone)
        return id
    }

    /// Each mailbox has the message once, whole, under its id, or nothing.
    static func check(
        _ fixture: QueueFixture, _ id: QueueID, _ message: [UInt8], acknowledged: Bool
    ) throws {
        for user in users {
            let mailbox = try fixture.mailbox(user)
            #expect(mailbox.count <= 1)
            if acknowledged { #expect(mailbox.count == 1) }
            for found in mailbox {
                #expect(found.contents == message)
                #expect(MaildirName(found.name).queueID == id)
            }
        }
        #expect(try fixture.names("queue/local").isEmpty)
    }

    @Test(arguments: steps) func killed(after step: CommitStep) throws {
        let fixture = try QueueFixture()
        let message = QueueFixture.message(5000)
        let id = try Self.commit(message, in: fixture, stoppingAfter: step)
        let corrupt = try fixture.recover()
        // The kernel lives, so nothing is torn.
        #expect(corrupt.isEmpty)
        let isNamed = [.named, .synchronized, .namesSynchronized, .sealed].contains(step)
        try Self.check(fixture, id, message, acknowledged: isNamed)
        // What is left in tmp is swept, an hour later.
        let drafts = try Folder("\(fixture.root)/queue/tmp")
        let early = try Sweep(drafts)
        #expect(early.removed.isEmpty)
        let late = try Sweep(drafts, now: WallClock.seconds + 3602)
        #expect(late.removed == (isNamed ? [] : [id.description]))
        #expect(try fixture.drafts().isEmpty)
    }

    /// What a power cut may leave of the contents while they are not flushed.
    enum Remains: CaseIterable, Sendable {
        case whole
        case nothing
        case half
        case zeros
        case garbageAtTheEnd
    }

    static let unflushed: [CommitStep] = [.opened, .written, .linked(0), .linked(1), .named]

    /// Before the flush: any of the names, any contents; 0440 cannot be there yet.
    @Test(arguments: unflushed, Remains.allCases)
    func powerLost(after step: CommitStep, remains: Remains) throws {
        for keep in 0..<16 {
            let fixture = try QueueFixture()
            let message = QueueFixture.message(5000)
            let id = try Self.commit(message, in: fixture, stoppingAfter: step)
            try Self.damage(fixture, remains)
            let names =
                try fixture.drafts().map { "queue/tmp/\($0)" }
                + fixture.names("queue/local").map { "queue/local/\($0)" }
            for (bit, name) in names.enumerated() where keep >> bit & 1 == 0 {
                unlink("\(fixture.root)/\(name)")
            }
            let left = try fixture.names("queue/local").count
            let corrupt = try fixture.recover()
            let isWhole = remains == .whole && step != .opened
            #expect(corrupt.count == (isWhole ? 0 : left))
            try Self.check(fixture, id, message, acknowledged: false)
            #expect(
                try Self.users.flatMap { try fixture.mailbox($0) }.count == left - corrupt.count)
        }
    }

    /// After the flush contents and names are there; the permission bits may be or not.
    @Test(arguments: [CommitStep.synchronized, .namesSynchronized, .sealed], [0o640, 0o440])
    func powerLostAfterFlush(step: CommitStep, mode: UInt32) throws {
        let fixture = try QueueFixture()
        let message = QueueFixture.message(5000)
        let id = try Self.commit(message, in: fixture, stoppingAfter: step)
        let name = try #require(try fixture.names("queue/local").first)
        if step == .sealed { chmod("\(fixture.root)/queue/local/\(name)", mode) }
        #expect(try fixture.recover().isEmpty)
        try Self.check(fixture, id, message, acknowledged: true)
    }

    /// A disk that lied: committed, but not what was written.
    @Test(arguments: [Remains.nothing, .half, .zeros, .garbageAtTheEnd])
    func aLyingDiskShowsAfterAStart(remains: Remains) throws {
        let fixture = try QueueFixture()
        let message = QueueFixture.message(5000)
        let id = try Self.commit(message, in: fixture, stoppingAfter: .sealed)
        try Self.damage(fixture, remains)
        #expect(try fixture.recover().count == 3)
        try Self.check(fixture, id, message, acknowledged: false)
        #expect(try fixture.names("queue/corrupt").count == 3)
    }

    /// All names are one file, so damaging the first found damages all.
    static func damage(_ fixture: QueueFixture, _ remains: Remains) throws {
        let names =
            try fixture.drafts().map { "queue/tmp/\($0)" }
            + fixture.names("queue/local").map { "queue/local/\($0)" }
        guard let first = names.first else { return }
        let path = "\(fixture.root)/\(first)"
        let size = try fixture.status(first).size
        let mode = try fixture.status(first).permissions
        chmod(path, 0o600)
        defer { chmod(path, mode) }
        let file = try File(path: path, flags: O_RDWR)
        switch remains {
        case .whole: break
        case .nothing: truncate(path, 0)
        case .half: truncate(path, size / 2)
        case .zeros: try file.write([UInt8](repeating: 0, count: size))
        case .garbageAtTheEnd:
            truncate(path, max(0, size - 1))
            truncate(path, size)
        }
    }
}
