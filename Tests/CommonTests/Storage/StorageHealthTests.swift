// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Common

@Suite struct StorageHealthTests {
    /// A call at a second: its errno and whether that is certain, 0 for success; and the news expected of it.
    typealias Call = (second: Double, code: Int32, subject: String, news: StorageHealth.News?)

    func at(_ seconds: Double) -> Deadline { Deadline(nanoseconds: UInt64(seconds * 1e9)) }

    func play(_ calls: [Call], certainly: Bool = true) -> StorageHealth {
        var health = StorageHealth()
        for call in calls {
            let error = SystemError("openat", on: "x", code: call.code)
            let news =
                call.code == 0
                ? health.succeeded(now: at(call.second))
                : health.failed(
                    error, isCertain: certainly && error.isOfTheStorage, of: call.subject,
                    now: at(call.second), jitter: 1)
            #expect(news == call.news, "at \(call.second)")
        }
        return health
    }

    @Test(
        arguments: [
            // What tells of the whole does so at once, and ends with the first success after a quiet while.
            [
                (10, 0, "", nil), (20, ENOTCONN, "", .failed), (20.1, ENOTCONN, "", nil),
                (24, 0, "", .recovered(failures: 2, seconds: 4)), (25, 0, "", nil),
                (30, EROFS, "", .failed),
            ],
            // What may be one file's own does so when it is the third in a row.
            [
                (1, EIO, "", nil), (2, EIO, "", nil), (3, 0, "", nil), (4, EIO, "", nil),
                (5, EACCES, "", nil), (6, EIO, "", .failed),
            ],
            // One mailbox tells nothing of others, however often it fails.
            [
                (1, EIO, "a", nil), (2, EIO, "a", nil), (3, EIO, "a", nil), (4, EIO, "b", nil),
                (5, EIO, "b", nil), (6, EIO, "c", .failed),
            ],
            // A success among failures is no end: full for large messages, and not for small ones.
            [
                (1, ENOSPC, "", .failed), (2, 0, "", nil), (3, ENOSPC, "", nil), (4, 0, "", nil),
                (5, ENOSPC, "", nil), (8, 0, "", .recovered(failures: 3, seconds: 7)),
            ],
            // Reminders come every five minutes, however many failures there are.
            [
                (1, EDQUOT, "", .failed), (300, EDQUOT, "", nil),
                (301, EDQUOT, "", .failing(failures: 3, seconds: 300)), (302, EDQUOT, "", nil),
                (600, EDQUOT, "", nil), (602, EDQUOT, "", .failing(failures: 6, seconds: 601)),
            ],
        ] as [[Call]])
    func news(calls: [Call]) { _ = play(calls) }

    @Test func attemptsBecomeSeldom() throws {
        var health = StorageHealth()
        let error = SystemError("openat", code: ENOTCONN)
        var now = at(100)
        let mayTry = health.mayTry(now: now)
        #expect(mayTry)
        var waits: [Double] = []
        for _ in 0..<6 {
            _ = health.failed(error, isCertain: true, now: now, jitter: 1)
            // Others that were under way at the same time change nothing.
            _ = health.failed(error, isCertain: true, now: now.advanced(by: 0.5), jitter: 1)
            let retry = try #require(health.retry)
            let mayTryThen = health.mayTry(now: retry)
            #expect(mayTryThen)
            #expect(!health.mayTry(now: at(retry.seconds(since: at(0)) - 0.1)))
            waits.append(retry.seconds(since: now).rounded())
            now = retry
        }
        #expect(waits == [5, 10, 20, 40, 60, 60])
        #expect(health.error == error)
        _ = health.succeeded(now: now)
        #expect(health.retry == nil && health.error == nil)
    }

    @Test(
        arguments: [
            (ENOSPC, true), (EDQUOT, true), (EROFS, true), (ENOTCONN, true), (ETIMEDOUT, true),
            (ENODEV, true), (EIO, false), (EACCES, false), (ENOENT, false), (ESTALE, false),
            (EMFILE, false),
        ] as [(Int32, Bool)])
    func whatTellsOfTheWhole(code: Int32, isOfTheStorage: Bool) {
        #expect(SystemError("open", code: code).isOfTheStorage == isOfTheStorage)
    }
}
