// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail
import Testing

@testable import Common

@Suite struct EntryInspectionTests {
    let fixture: QueueFixture
    let id = QueueID(microseconds: 1_780_000_000_000_000, random: 9)
    /// CRC-32C of "123456789", RFC 3720 B.4's check value.
    let claim = EntryName.Claim(size: 9, checksum: 0xE306_9283)

    init() throws { fixture = try QueueFixture() }

    var entry: EntryName {
        EntryName(id: id, account: QueueFixture.account("u"), claim: claim)
    }

    func put(_ name: String, _ text: String, mode: UInt32) throws {
        let folder = try Folder("\(fixture.root)/queue/local")
        let file = try File(name, in: folder, flags: O_RDWR | O_CREAT | O_TRUNC)
        try file.write(Array(text.utf8))
        try file.setMode(mode)
    }

    func inspect(_ name: String, verifying: Bool = false) throws -> EntryInspection {
        let folder = try Folder("\(fixture.root)/queue/local")
        return EntryInspection(of: name, in: folder, verifying: verifying)
    }

    func live(_ name: String) throws -> EntryInspection {
        let folder = try Folder("\(fixture.root)/queue/local")
        return EntryInspection(ofLive: name, in: folder)
    }

    @Test func committedIsDelivered() throws {
        try put(entry.text, "123456789", mode: 0o440)
        #expect(try inspect(entry.text) == .deliverable(entry, size: 9))
        #expect(try inspect(entry.text, verifying: true) == .deliverable(entry, size: 9))
        #expect(try live(entry.text) == .deliverable(entry, size: 9))
    }

    @Test func anOrphanIsVerifiedAlways() throws {
        try put(entry.text, "123456789", mode: 0o640)
        #expect(try inspect(entry.text) == .deliverable(entry, size: 9))
        #expect(try live(entry.text) == .passOver)
        try put(entry.text, "123456780", mode: 0o640)
        guard case .corrupt = try inspect(entry.text) else {
            Issue.record("an orphan with wrong contents passed")
            return
        }
    }

    @Test func committedWithWrongContentsIsFoundWhenVerified() throws {
        try put(entry.text, "123456780", mode: 0o440)
        #expect(try inspect(entry.text) == .deliverable(entry, size: 9))
        guard case .corrupt = try inspect(entry.text, verifying: true) else {
            Issue.record("wrong contents passed")
            return
        }
    }

    @Test(arguments: ["", "12345678", "1234567890"]) func theLengthIsAlwaysLookedAt(text: String)
        throws
    {
        try put(entry.text, text, mode: 0o440)
        for inspection in [try inspect(entry.text), try live(entry.text)] {
            guard case .corrupt(let reason) = inspect(inspection) else { return }
            #expect(reason.contains("\(text.utf8.count) octets"))
        }
    }

    private func inspect(_ inspection: EntryInspection) -> EntryInspection {
        if case .corrupt = inspection { return inspection }
        Issue.record("a wrong length passed")
        return inspection
    }

    @Test func aLockedOneIsInTheMaking() throws {
        try put(entry.text, "123", mode: 0o640)
        let file = try File(path: "\(fixture.root)/queue/local/\(entry.text)", flags: O_RDWR)
        let isLocked = try file.tryLock()
        #expect(isLocked)
        #expect(try inspect(entry.text) == .passOver)
        #expect(try inspect(entry.text, verifying: true) == .passOver)
        #expect(try live(entry.text) == .passOver)
        // A name from a newer version is left alone as long as its writer lives.
        try put("strange", "x", mode: 0o640)
        let strange = try File(path: "\(fixture.root)/queue/local/strange", flags: O_RDWR)
        let isStrangeLocked = try strange.tryLock()
        #expect(isStrangeLocked)
        #expect(try inspect("strange") == .passOver)
        // Its sealing does not wait for the lock's end.
        try file.truncate()
        try file.write(Array("123456789".utf8))
        try file.setMode(0o440)
    }

    @Test func aSealedOneNeedNotBeUnlocked() throws {
        try put(entry.text, "123456789", mode: 0o640)
        let file = try File(path: "\(fixture.root)/queue/local/\(entry.text)", flags: O_RDWR)
        let isLocked = try file.tryLock()
        #expect(isLocked)
        try file.setMode(0o440)
        #expect(try inspect(entry.text, verifying: true) == .deliverable(entry, size: 9))
    }

    @Test func anOperatorsNameMakesNoClaim() throws {
        let name = EntryName(id: id, account: QueueFixture.account("u"), claim: nil)
        for mode in [0o440, 0o640] as [UInt32] {
            unlink("\(fixture.root)/queue/local/\(name.text)")
            try put(name.text, "edited by hand", mode: mode)
            #expect(try inspect(name.text, verifying: true) == .deliverable(name, size: 14))
        }
    }

    @Test func whatIsNoFileIsCorrupt() throws {
        try fixture.makeFolder("queue/local/\(entry.text)")
        let other = EntryName(id: id, account: QueueFixture.account("link"), claim: nil).text
        symlink("/etc/passwd", "\(fixture.root)/queue/local/\(other)")
        let pipe = EntryName(id: id, account: QueueFixture.account("pipe"), claim: nil).text
        mkfifo("\(fixture.root)/queue/local/\(pipe)", 0o440)
        for name in [entry.text, other, pipe] {
            for verifying in [false, true] {
                #expect(
                    try inspect(name, verifying: verifying) == .corrupt("it is not a regular file"))
            }
        }
        #expect(try live(pipe) == .corrupt("it is not a regular file"))
    }

    @Test func namesThatCannotBeReadAreCorruptAndHiddenOnesNobodys() throws {
        try put("strange", "x", mode: 0o440)
        #expect(try inspect("strange") == .corrupt("its name cannot be read"))
        try put(".nfs000012", "x", mode: 0o440)
        #expect(try inspect(".nfs000012") == .passOver)
        #expect(try inspect("gone") == .passOver)
        #expect(try live("gone") == .passOver)
    }
}
