// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail
import Testing

@testable import Common

@Suite struct SweepTests {
    @Test func removesWhatIsOldAndUnlockedAndOurs() throws {
        let fixture = try QueueFixture()
        let ids = (1...4).map { QueueID(microseconds: 1, random: $0).description }
        let drafts = try Folder("\(fixture.root)/queue/tmp")
        let folder = try Folder("\(fixture.root)/queue/tmp/1")
        for name in ids + ["\(ids[0]).env", "core", ".nfs01"] {
            _ = try File(name, in: folder, flags: O_WRONLY | O_CREAT, mode: 0o640)
        }
        let locked = try File(ids[1], in: folder, flags: O_RDWR)
        _ = try locked.tryLock()
        unlink("\(fixture.root)/queue/tmp/1/\(ids[2])")
        try folder.makeFolder(ids[2])
        var times = [timespec(), timespec()]
        for index in 0..<2 { times[index].tv_sec = WallClock.seconds + 7200 - 3599 }
        utimensat(folder.number, ids[3], times, 0)

        let now = try Sweep(drafts)
        #expect(now.removed.isEmpty)
        #expect(now.unknown == ["core"])
        let later = try Sweep(drafts, now: WallClock.seconds + 7200)
        #expect(later.removed.sorted() == [ids[0], "\(ids[0]).env"].sorted())
        #expect(
            try fixture.names("queue/tmp/1") == [".nfs01", "core", ids[1], ids[2], ids[3]].sorted())
    }
}
