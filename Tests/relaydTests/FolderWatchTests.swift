// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import TestSupport
import Testing

@testable import relayd

@MainActor @Suite struct FolderWatchTests {
    static func record(_ mask: UInt32, _ name: String, padding: Int = 3) -> [UInt8] {
        let name = name.isEmpty ? [] : Array(name.utf8) + [UInt8](repeating: 0, count: padding)
        return [1, mask, 0, UInt32(name.count)].flatMap { value in
            withUnsafeBytes(of: value) { Array($0) }
        } + name
    }

    @Test func readsRecords() {
        let bytes =
            Self.record(UInt32(IN_CREATE), "a") + Self.record(UInt32(IN_ATTRIB), "bb", padding: 1)
            + Self.record(UInt32(IN_Q_OVERFLOW), "") + Self.record(UInt32(IN_ATTRIB), "")
            + Self.record(UInt32(IN_ATTRIB), "c")
        let events = FolderWatch.parse(bytes.span)
        #expect(events == [.created("a"), .changed("bb"), .lost, .touched, .changed("c")])
        let torn = FolderWatch.parse(bytes.span.extracting(droppingLast: 1))
        #expect(torn.last == .lost)
        let none = FolderWatch.parse(bytes.span.extracting(first: 0))
        #expect(none.isEmpty)
    }

    /// What the commit relies on: links are told of as created, the fchmod through a descriptor that was opened in
    /// another folder as changed, and the rename between them not at all.
    @Test func theKernelTellsWhatWeNeed() throws {
        let root = TemporaryFolder()
        let folder = try Folder(root.path)
        try folder.makeFolder("tmp")
        try folder.makeFolder("local")
        try folder.makeFolder("new")
        let tmp = try Folder("tmp", in: folder)
        let local = try Folder("local", in: folder)
        let new = try Folder("new", in: folder)
        let watch = try FolderWatch("\(root.path)/local", noticesNew: true)
        let file = try File("draft", in: tmp, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o640)
        try file.write([1, 2, 3])
        try tmp.link("draft", to: "one", in: local)
        try tmp.rename("draft", to: "two", in: local)
        try file.synchronize()
        #expect(watch.events() == [.created("one")])
        try file.setMode(0o440)
        #expect(watch.events() == [.changed("two")])
        try local.renameToNew("one", to: "one", in: new)
        try local.unlink("two")
        #expect(watch.events().isEmpty)
        utimensat(local.number, "gone", nil, 0)
        try new.rename("one", to: "one", in: local)
        #expect(watch.events().isEmpty)
        utimensat(local.number, "one", nil, 0)
        #expect(watch.events() == [.changed("one")])
    }
}
