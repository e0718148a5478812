// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import authd

@Suite struct LoginCacheTests {
    @Test func forgetsAfterAWhileWhetherUsedOrNot() {
        var cache = LoginCache(capacity: 10, seconds: 600)
        #expect(!cache.knows(1, now: at(0)))
        cache.remember(1, now: at(0))
        for second in stride(from: 0.0, to: 600, by: 60) {
            #expect(cache.knows(1, now: at(second)))
        }
        #expect(!cache.knows(1, now: at(600)))
        #expect(!cache.knows(2, now: at(0)))
        cache.sweep(now: at(600))
        #expect(cache.count == 0)
    }

    @Test func isBounded() {
        var cache = LoginCache(capacity: 10, seconds: 600)
        for number in 0..<100 { cache.remember(UInt128(number), now: at(0)) }
        #expect(cache.count == 10)
        #expect(cache.knows(99, now: at(1)) && !cache.knows(89, now: at(1)))
        cache.forgetAll()
        #expect(cache.count == 0)
    }
}
