// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import master

struct CertificateWatchTests {
    private static let now = 1_800_000_000
    private static let day = 86_400

    @Test(arguments: [
        (-1, true), (0, true), (13 * day, true), (14 * day - 1, true), (14 * day, false),
        (90 * day, false),
    ])
    func noticeIsFourteenDays(left: Int, isTold: Bool) {
        let watch = CertificateWatch(ends: [.init(group: "default", seconds: Self.now + left)])
        #expect(watch.ending(at: Self.now).isEmpty != isTold)
    }

    @Test func unreadableOnesAreNotCounted() {
        let watch = CertificateWatch(ends: [.init(group: "a", seconds: nil)])
        #expect(watch.ending(at: Self.now).isEmpty)
        #expect(watch.earliest == nil)
    }

    @Test func earliestIsNamed() {
        let watch = CertificateWatch(ends: [
            .init(group: "a", seconds: Self.now + Self.day), .init(group: "b", seconds: Self.now),
        ])
        #expect(watch.earliest == "2027-01-15")
    }
}
