// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail
import TestSupport
import Testing

@testable import wmail

/// Changes on files as smtpd and relayd leave them; docs/queue.md §8 and §9.
@Suite struct QueueChangeTests {
    let folder = TemporaryFolder()
    let places: Places
    let id = QueueID(microseconds: WallClock.microseconds - 60_000_000, random: 99)

    init() throws {
        places = Places(root: folder.path)
        try QueueLayout.makeFolders(root: folder.path)
    }

    func put(_ path: String, _ text: String, mode: UInt32 = 0o440) throws {
        let file = try File(
            path: "\(folder.path)/queue/\(path)", flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try file.write(Array(text.utf8))
        try file.setMode(mode)
    }

    func contents(_ path: String) throws -> String {
        let file = try File(path: "\(folder.path)/queue/\(path)")
        return String(decoding: try file.readAll(), as: UTF8.self)
    }

    func names(_ place: String) throws -> [String] {
        let folder = try Folder("\(folder.path)/queue/\(place)", listable: true)
        return try folder.names().sorted()
    }

    func entries(_ filter: QueueFilter = QueueFilter()) throws -> [QueuedEntry] {
        let view = try QueueView(places)
        return try view.entries(filter)
    }

    func change(_ change: QueueChange) throws {
        let changer = try QueueChanger(places)
        for entry in try entries() { try changer.carryOut(change, on: entry) }
    }

    static let message = "Return-Path: <a@b.test>\r\n\r\nhello\r\n"

    func localName(claim: Bool = true) throws -> String {
        let path = "\(folder.path)/queue/hold/scratch"
        let file = try File(path: path, flags: O_RDWR | O_CREAT)
        try file.write(Array(Self.message.utf8))
        defer { unlink(path) }
        let checksum = try file.checksum()
        return EntryName(
            id: id, account: AccountName(group: "default", user: "alice"),
            claim: claim ? EntryName.Claim(size: Self.message.utf8.count, checksum: checksum) : nil
        ).text
    }

    func putRelay(_ more: String = "") throws {
        let first = """
            {"version":1,"id":"\(id)","size":\(Self.message.utf8.count),"checksum":"0","sender":"a@b.test",\
            "ways":["direct"],"recipients":[{"address":"c@d.example"}]}
            """
        try put("relay/\(id).msg", Self.message)
        try put("relay/\(id).env", first + "\n" + more, mode: 0o660)
    }

    @Test func localEntryIsHeldAndReleased() throws {
        let name = try localName()
        try put("local/\(name)", Self.message)
        #expect(try entries().map(\.sender) == ["a@b.test"])
        try change(.hold)
        #expect(try names("local") == [])
        #expect(try names("hold") == [name])
        #expect(try entries().map(\.state) == ["held"])
        try change(.release)
        #expect(try names("local") == [name])
        #expect(try names("hold") == [])
    }

    @Test func editedEntryIsReleasedWithoutItsClaim() throws {
        let name = try localName()
        try put("hold/\(name)", Self.message + "edited\r\n", mode: 0o640)
        try change(.release)
        #expect(try names("local") == [try localName(claim: false)])
        let folder = try Folder("\(folder.path)/queue/local")
        let status = try folder.status(of: try localName(claim: false))
        #expect(status.isCommitted)
    }

    @Test func relayEntryIsHeldReleasedAndDue() throws {
        try putRelay("{\"next\":\"2099-01-01T00:00:00Z\"}\n{\"torn")
        try change(.hold)
        #expect(try names("relay") == [])
        #expect(try names("hold") == ["\(id).env", "\(id).msg"])
        try change(.release)
        #expect(try names("hold") == [])
        #expect(try names("relay") == ["\(id).env", "\(id).msg"])
        let entry = try #require(try entries().first)
        guard case .relay(let relay, _) = entry.content else {
            throw QueueChangeError.unreadable(entry.reason)
        }
        #expect(relay.next <= WallClock.seconds && relay.next > 0)
    }

    @Test func editedRelayMessageMakesNoClaim() throws {
        try putRelay()
        try change(.hold)
        let file = try File(path: "\(folder.path)/queue/hold/\(id).msg", flags: O_WRONLY | O_APPEND)
        try file.write(Array("more\r\n".utf8))
        try change(.release)
        #expect(!(try contents("relay/\(id).env")).contains("\"size\""))
        #expect(try entries().map(\.recipients) == [["c@d.example"]])
    }

    @Test func retryMakesItDue() throws {
        try putRelay("{\"next\":\"2099-01-01T00:00:00Z\"}\n")
        try change(.retry)
        let text = try contents("relay/\(id).env")
        let next = try #require(EnvelopeFile.next(inTail: Array(text.utf8)))
        #expect(abs(next - WallClock.seconds) < 60)
    }

    @Test func removeLeavesNothing() throws {
        try putRelay()
        try put("local/\(try localName())", Self.message)
        try put("corrupt/strange", "x")
        try change(.remove)
        for place in ["local", "relay", "hold", "corrupt"] { #expect(try names(place) == []) }
    }

    @Test func entryThatIsBeingSentIsLeft() throws {
        try putRelay()
        let entry = try #require(try entries().first)
        let holder = try File(path: "\(folder.path)/queue/relay/\(id).env", flags: O_RDWR)
        let isOurs = try holder.tryLock()
        #expect(isOurs)
        #expect(try entries().map(\.state) == ["active"])
        let changer = try QueueChanger(places)
        #expect(throws: QueueChangeError.busy) { try changer.carryOut(.remove, on: entry) }
        #expect(try names("relay").count == 2)
    }

    @Test func whatIsGoneSaysSo() throws {
        try put("local/\(try localName())", Self.message)
        let entry = try #require(try entries().first)
        try change(.remove)
        let changer = try QueueChanger(places)
        #expect(throws: QueueChangeError.gone) { try changer.carryOut(.hold, on: entry) }
    }

    @Test func entriesInTheMakingAreNotShown() throws {
        let name = try localName()
        try put("local/\(name)", Self.message, mode: 0o640)
        let writer = try File(path: "\(folder.path)/queue/local/\(name)", flags: O_RDWR)
        let isOurs = try writer.tryLock()
        #expect(isOurs)
        #expect(try entries().isEmpty)
        try writer.unlock()
        #expect(try entries().count == 1)
    }

    @Test func strangersAreNamed() throws {
        try put("corrupt/strange", "x")
        try put("corrupt/\(id).msg", "x")
        symlink("/etc/passwd", "\(folder.path)/queue/local/\(try localName())")
        #expect(
            try entries().map(\.reason).sorted() == [
                "a message without its .env", "it is a symbolic link", "its name cannot be read",
            ])
    }
}
