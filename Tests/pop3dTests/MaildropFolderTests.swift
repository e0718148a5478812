// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail
@testable import pop3d
import TestSupport
import Testing

/// A mailbox of account default/tim in a folder of its own.
struct Mailbox {
    let root = TemporaryFolder()
    let account = AccountName(group: "default", user: "tim")
    let store: MailStore

    init() throws {
        let parts = ["usermanager", "default", "users", "tim", "Maildir"]
        var path = root.path
        for part in parts {
            path += "/\(part)"
            mkdir(path, 0o700)
        }
        for part in ["tmp", "new", "cur"] { mkdir("\(path)/\(part)", 0o700) }
        store = try MailStore(root: root.path)
    }

    var user: String { "\(root.path)/usermanager/default/users/tim" }

    func put(_ place: String, _ name: String, _ text: String = "") throws {
        let file = try File(
            path: "\(user)/Maildir/\(place)/\(name)", flags: O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(Array(text.utf8))
    }

    func names(_ place: String) throws -> [String] {
        try Folder("\(user)/Maildir/\(place)").names().sorted()
    }

    func open(
        holder: String = "192.0.2.1", rules: MaildropRules = MaildropRules()
    ) throws(MaildropError) -> MaildropFolder? {
        try MaildropFolder.open(account, in: store, holder: holder, rules: rules)
    }

    static func own(_ second: UInt64, size: Int) -> String {
        "\(QueueID(microseconds: second * 1_000_000, random: 1)).mail.example.test,S=\(size)"
    }
}

@Suite struct MaildropFolderTests {
    @Test func orderIsThatOfArrival() throws {
        let mailbox = try Mailbox()
        try mailbox.put("new", Mailbox.own(1_700_000_003, size: 3))
        try mailbox.put("cur", Mailbox.own(1_700_000_001, size: 1) + ":2,S")
        try mailbox.put("new", "1700000002.M1P1.host,W=22")
        try mailbox.put("cur", "1700000002.M2P1.host,S=8,W=23:2,")
        try mailbox.put("new", "old-message", "x\n")
        try mailbox.put("new", ".hidden")
        mkdir("\(mailbox.user)/Maildir/new/folder", 0o700)
        symlink("/etc/passwd", "\(mailbox.user)/Maildir/new/link")
        let folder = try #require(try mailbox.open())
        #expect(folder.listing.entries.map(\.size) == [3, 1, 22, 23, 3])
        #expect(
            ids(folder) == [
                "old-message", "\(QueueID(microseconds: 1_700_000_001_000_000, random: 1))",
                "1700000002.M1P1.host", "1700000002.M2P1.host",
                "\(QueueID(microseconds: 1_700_000_003_000_000, random: 1))",
            ])
    }

    @Test func uniqueIDsSurviveWhatOtherProgramsDo() throws {
        let mailbox = try Mailbox()
        let names = [Mailbox.own(1_700_000_000, size: 1), "1700000001.M1P1.host", "two words"]
        for name in names { try mailbox.put("new", name, "x\r\n") }
        let before = ids(try #require(try mailbox.open()))
        for name in names {
            rename(
                "\(mailbox.user)/Maildir/new/\(name)", "\(mailbox.user)/Maildir/cur/\(name):2,RS")
        }
        #expect(ids(try #require(try mailbox.open())) == before)
        #expect(Set(before).count == 3)
    }

    @Test func oneMessageUnderTwoNamesIsShownOnce() throws {
        let mailbox = try Mailbox()
        let own = Mailbox.own(1_700_000_000, size: 1)
        for name in [own, "1700000001.M1P1.host,W=3", "1700000001.M1P1.host-x,W=4"] {
            try mailbox.put("new", name)
            try mailbox.put("cur", "\(name):2,S")
        }
        let folder = try #require(try mailbox.open())
        #expect(folder.listing.entries.map(\.size) == [1, 3, 4])
        #expect(folder.delete([0, 1, 2], moved: [:]).left == [])
        #expect(try mailbox.names("new") == [])
        #expect(try mailbox.names("cur") == [])
    }

    @Test func differentMessagesNeverShareAnID() throws {
        let mailbox = try Mailbox()
        try mailbox.put("new", "1700000001.M1P1.host,W=3")
        try mailbox.put("new", "1700000001.M1P1.host,W=4")
        let found = ids(try #require(try mailbox.open()))
        #expect(found.count == 2)
        #expect(Set(found).count == 2)
    }

    @Test func importedMessagesKeepTheirIDs() throws {
        let mailbox = try Mailbox()
        func put(_ second: UInt64, _ uniqueID: String) throws {
            let name = try #require(
                MaildirName(
                    id: QueueID(microseconds: second, random: 1), host: "h", size: 3,
                    uniqueID: uniqueID))
            try mailbox.put("new", name.text, "x\r\n")
        }
        try put(1, "UID7-1")
        try put(2, "a,b/c:%")
        // What nobody should write: an id twice, one that is a message's own, one that is none.
        try put(3, "UID7-1")
        let own = QueueID(microseconds: 4_000_000, random: 1)
        try mailbox.put("new", Mailbox.own(4, size: 3))
        try put(5_000_000, "\(own)")
        try mailbox.put("new", "\(QueueID(microseconds: 6_000_000, random: 1)).h,S=3,U=%zz")
        let expected = [
            "UID7-1", "a,b/c:%", "\(QueueID(microseconds: 3, random: 1))", "\(own)",
            "\(QueueID(microseconds: 5_000_000, random: 1))",
            "\(QueueID(microseconds: 6_000_000, random: 1))",
        ]
        #expect(ids(try #require(try mailbox.open())) == expected)
        for name in try mailbox.names("new") {
            rename(
                "\(mailbox.user)/Maildir/new/\(name)", "\(mailbox.user)/Maildir/cur/\(name):2,S")
        }
        #expect(ids(try #require(try mailbox.open())) == expected)
    }

    @Test func anEditedCopyBesideItsOriginalHasAnIDOfItsOwn() throws {
        let mailbox = try Mailbox()
        try mailbox.put("new", Mailbox.own(1, size: 3))
        try mailbox.put("cur", Mailbox.own(1, size: 4) + ":2,S")
        let found = ids(try #require(try mailbox.open()))
        #expect(found.count == 2)
        #expect(Set(found).count == 2)
    }

    @Test func sizesOfForeignMessagesAreMeasuredOnce() throws {
        let mailbox = try Mailbox()
        try mailbox.put("new", "1700000000.a.host,S=6", "a\nb\n.\n")
        try mailbox.put("new", "1700000001.b.host", "no end")
        try mailbox.put("new", "1700000002.c.host", "")
        #expect(try #require(try mailbox.open()).listing.entries.map(\.size) == [9, 8, 0])
        // What is known is not read again.
        try mailbox.put("new", "1700000001.b.host", "changed against all custom")
        rename(
            "\(mailbox.user)/Maildir/new/1700000000.a.host,S=6",
            "\(mailbox.user)/Maildir/cur/1700000000.a.host,S=6:2,S")
        #expect(try #require(try mailbox.open()).listing.entries.map(\.size) == [9, 8, 0])
        // Nothing is kept of messages that are gone.
        unlink("\(mailbox.user)/Maildir/new/1700000001.b.host")
        _ = try mailbox.open()
        let cache = try File(path: "\(mailbox.user)/pop3.sizes").readAll()
        #expect(cache == Array("9 1700000000.a.host,S=6\n0 1700000002.c.host\n".utf8))
    }

    @Test func newMessagesBetweenKnownOnesAreMeasured() throws {
        let mailbox = try Mailbox()
        for second in [1_700_000_001, 1_700_000_003, 1_700_000_005] {
            try mailbox.put("new", "\(second).a.host", "a\n")
        }
        #expect(try #require(try mailbox.open()).listing.entries.map(\.size) == [3, 3, 3])
        for second in [1_700_000_000, 1_700_000_002, 1_700_000_006] {
            try mailbox.put("new", "\(second).b.host", "bb\n")
        }
        unlink("\(mailbox.user)/Maildir/new/1700000003.a.host")
        // Known ones are not read again.
        try mailbox.put("new", "1700000005.a.host", "changed")
        #expect(try #require(try mailbox.open()).listing.entries.map(\.size) == [4, 3, 4, 3, 4])
        let cache = try File(path: "\(mailbox.user)/pop3.sizes").readAll()
        #expect(cache.count { $0 == 10 } == 5)
    }

    @Test func damagedSizeCacheIsMadeAnew() throws {
        let mailbox = try Mailbox()
        try mailbox.put("new", "1700000000.a.host", "a\n")
        let file = try File(path: "\(mailbox.user)/pop3.sizes", flags: O_WRONLY | O_CREAT)
        try file.write(Array("-5 1700000000.a.host\nrubbish\n\u{0}\n 7\n".utf8))
        #expect(try #require(try mailbox.open()).listing.entries.map(\.size) == [3])
    }

    @Test func oneSessionAtATime() throws {
        let mailbox = try Mailbox()
        do {
            let first = try #require(try mailbox.open(holder: "2001:db8::1"))
            #expect(throws: MaildropError.inUse(holder: "2001:db8::1")) {
                try mailbox.open(holder: "192.0.2.2")
            }
            _ = first.listing
        }
        #expect(try mailbox.open(holder: "192.0.2.2") != nil)
    }

    @Test func loginDelayIsKept() throws {
        let mailbox = try Mailbox()
        let rules = MaildropRules(loginDelay: 60)
        #expect(try mailbox.open(rules: rules) != nil)
        do throws(MaildropError) {
            _ = try mailbox.open(rules: rules)
            Issue.record("let in")
        } catch {
            guard case .tooOften(let seconds) = error else {
                Issue.record("\(error)")
                return
            }
            #expect((1...60).contains(seconds))
        }
        #expect(try mailbox.open() != nil)
    }

    @Test func accountWithoutMailHasNoFolder() throws {
        let mailbox = try Mailbox()
        for user in ["nobody", "..", "a/b", "", "."] {
            let account = AccountName(group: "default", user: user)
            let folder = try MaildropFolder.open(
                account, in: mailbox.store, holder: "", rules: MaildropRules())
            #expect(folder == nil)
        }
    }

    @Test func movedMessagesAreFoundAndVanishedOnesAreNot() throws {
        let mailbox = try Mailbox()
        let (first, second, third) = (
            Mailbox.own(1_700_000_000, size: 3), Mailbox.own(1_700_000_001, size: 3),
            Mailbox.own(1_700_000_002, size: 3)
        )
        for name in [first, second, third] { try mailbox.put("new", name, "x\r\n") }
        let folder = try #require(try mailbox.open())
        rename("\(mailbox.user)/Maildir/new/\(first)", "\(mailbox.user)/Maildir/cur/\(first):2,S")
        unlink("\(mailbox.user)/Maildir/new/\(second)")
        let moved = try folder.relocations()
        #expect(moved.keys.sorted() == [0])
        let path = try #require(moved[0])
        let message = try OpenMessage(path, in: folder.maildir)
        #expect(try message.read(atMost: 100, at: 0) == Array("x\r\n".utf8))
        #expect(throws: SystemError.self) {
            try OpenMessage(folder.path(of: 1), in: folder.maildir)
        }
        // At QUIT a moved one is found without having been asked for.
        #expect(folder.delete([0, 1, 2], moved: [:]).left == [])
        #expect(try mailbox.names("cur") == [])
        #expect(try mailbox.names("new") == [])
    }

    @Test func undeletedMessagesAreNamed() throws {
        guard geteuid() != 0 else { return }
        let mailbox = try Mailbox()
        try mailbox.put("new", Mailbox.own(1_700_000_000, size: 3))
        try mailbox.put("cur", Mailbox.own(1_700_000_001, size: 3))
        let folder = try #require(try mailbox.open())
        chmod("\(mailbox.user)/Maildir/new", 0o500)
        let (left, reason) = folder.delete([0, 1], moved: [:])
        chmod("\(mailbox.user)/Maildir/new", 0o700)
        #expect(left == [0])
        #expect(reason?.code == EACCES)
        #expect(try mailbox.names("cur") == [])
    }

    @Test func noLinkLeadsOutOfTheMailbox() throws {
        let mailbox = try Mailbox()
        let name = Mailbox.own(1_700_000_000, size: 3)
        for folder in ["other", "other/new"] { mkdir("\(mailbox.user)/\(folder)", 0o700) }
        let other = try File(
            path: "\(mailbox.user)/other/new/\(name)", flags: O_WRONLY | O_CREAT)
        try other.write(Array("x\r\n".utf8))
        try mailbox.put("new", name, "y\r\n")
        let folder = try #require(try mailbox.open(rules: MaildropRules(trashDays: 1)))
        let new = "\(mailbox.user)/Maildir/new"
        rename(new, "\(new).old")
        symlink("../other/new", new)
        #expect(OpenMessage.openCached(folder.path(of: 0), in: folder.maildir) == nil)
        #expect(throws: SystemError.self) {
            try OpenMessage(folder.path(of: 0), in: folder.maildir)
        }
        #expect(folder.delete([0], moved: [:]).left == [0])
        #expect(throws: SystemError.self) { try folder.relocations() }
        #expect(access("\(mailbox.user)/other/new/\(name)", F_OK) == 0)
        // Nor into the trash: what is kept aside stays in the mailbox.
        unlink(new)
        rename("\(new).old", new)
        symlink("../other/new", "\(mailbox.user)/Maildir/\(Trash.folder)")
        #expect(folder.delete([0], moved: [:]).left == [0])
        #expect(try mailbox.names("new") == [name])
    }

    @Test func deletedMessagesAreKeptAside() throws {
        let mailbox = try Mailbox()
        let name = Mailbox.own(1_700_000_000, size: 3)
        try mailbox.put("new", name, "x\r\n")
        let folder = try #require(try mailbox.open(rules: MaildropRules(trashDays: 7)))
        #expect(folder.delete([0], moved: [:]).left == [])
        #expect(try mailbox.names("new") == [])
        let kept = try mailbox.names(Trash.folder)
        #expect(kept.count == 1)
        #expect(kept[0].hasSuffix(",\(name)"))
        try mailbox.put(Trash.folder, "1000,old")
        try mailbox.put(Trash.folder, "not a number,old")
        try Trash.sweep(olderThan: 7, in: folder.maildir)
        #expect(try mailbox.names(Trash.folder) == (kept + ["not a number,old"]).sorted())
    }

    @Test func readingWithoutDisk() throws {
        let mailbox = try Mailbox()
        try mailbox.put("new", Mailbox.own(1_700_000_000, size: 3), "x\r\n")
        let folder = try #require(try mailbox.open())
        // Nil is right as well where the kernel or the file system cannot tell.
        if let message = OpenMessage.openCached(folder.path(of: 0), in: folder.maildir) {
            #expect(message.size == 3)
            if let bytes = message.readCached(atMost: 10, at: 1) {
                #expect(bytes == Array("\r\n".utf8))
            }
        }
        #expect(
            OpenMessage.openCached(MessagePath(.new, "none".utf8), in: folder.maildir) == nil)
    }

    @Test func fiftyThousandMessagesAreListedQuickly() throws {
        let mailbox = try Mailbox()
        let new = try Folder("\(mailbox.user)/Maildir/new")
        for number in 0..<50_000 {
            let id = QueueID(microseconds: UInt64(number) * 7_919 % 50_000, random: UInt64(number))
            _ = try File("\(id).mail.example.test,S=100", in: new, flags: O_WRONLY | O_CREAT)
        }
        let start = Deadline.now
        let folder = try #require(try mailbox.open())
        let seconds = Deadline.now.seconds(since: start)
        #expect(folder.listing.entries.count == 50_000)
        print("50,000 messages listed in \(Int(seconds * 1000)) ms")
    }

    private func ids(_ folder: MaildropFolder) -> [String] {
        folder.listing.entries.indices.map {
            String(decoding: folder.listing.uniqueID(at: $0), as: UTF8.self)
        }
    }
}
