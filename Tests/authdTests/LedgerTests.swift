// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import authd

/// Time in seconds, from far enough after the clock's start.
func at(_ seconds: Double) -> Deadline {
    Deadline(nanoseconds: 1_000_000_000_000).advanced(by: seconds)
}

@Suite struct LedgerTests {
    static func network(_ number: Int) -> ClientNetwork {
        let octets = [10, UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255)]
        return ClientNetwork(SocketAddress(octets: octets, port: 0))
    }
    let client = network(1)
    let other = network(2)

    // MARK: Connections

    @Test func connectionsOfOneNetworkAreLimited() {
        var settings = Ledger.Settings()
        settings.connections = 3
        var ledger = Ledger(settings)
        for _ in 0..<3 { #expect(ledger.admit(client, now: at(0)) == .allowed) }
        #expect(
            ledger.admit(client, now: at(1))
                == .blocked(seconds: 0, reason: .connections, isNews: true))
        #expect(
            ledger.admit(client, now: at(2))
                == .blocked(seconds: 0, reason: .connections, isNews: false))
        #expect(ledger.admit(other, now: at(2)) == .allowed)
        #expect(ledger.leave(client, commandErrors: 0, now: at(3)) == nil)
        #expect(ledger.admit(client, now: at(3)) == .allowed)
        ledger.release(client, connections: 3)
        #expect(ledger.connections(of: client) == 0)
        ledger.adopt(client, connections: 3)
        #expect(
            ledger.admit(client, now: at(90))
                == .blocked(seconds: 0, reason: .connections, isNews: true))
        // Nobody who reports the end of connections that were never counted makes the count negative.
        ledger.release(client, connections: 99)
        #expect(ledger.connections(of: client) == 0)
    }

    @Test func theRateOfConnectionsIsLimited() {
        var settings = Ledger.Settings()
        settings.connections = 0
        settings.connectionsPerMinute = 60
        var ledger = Ledger(settings)
        for _ in 0..<60 { #expect(ledger.admit(client, now: at(0)) == .allowed) }
        #expect(
            ledger.admit(client, now: at(0)) == .blocked(seconds: 1, reason: .rate, isNews: true))
        #expect(
            ledger.admit(client, now: at(0.5))
                == .blocked(seconds: 1, reason: .rate, isNews: false))
        #expect(ledger.admit(client, now: at(1.1)) == .allowed)
        #expect(
            ledger.admit(client, now: at(1.2))
                == .blocked(seconds: 1, reason: .rate, isNews: false))
        for _ in 0..<60 { #expect(ledger.admit(client, now: at(100)) == .allowed) }
    }

    @Test func exemptions() {
        var settings = Ledger.Settings()
        settings.connections = 1
        settings.connectionsPerMinute = 1
        var ledger = Ledger(settings)
        for _ in 0..<1000 {
            #expect(ledger.admit(client, exempt: .limits, now: at(0)) == .allowed)
        }
        #expect(ledger.leave(client, commandErrors: 9, exempt: .blocks, now: at(0)) == nil)
        #expect(ledger.leave(client, commandErrors: 9, now: at(0)) == 60)
        #expect(
            ledger.admit(client, exempt: .limits, now: at(0))
                == .blocked(seconds: 60, reason: .commandErrors, isNews: false))
        #expect(ledger.admit(client, exempt: [.limits, .blocks], now: at(0)) == .allowed)
        for password in 1...9 {
            _ = fail(&ledger, other, user: 1, password: UInt64(password), at(0))
        }
        #expect(
            ledger.judge(other, user: 1, fingerprint: 77, now: at(0)) == .blocked(seconds: 3600))
        #expect(
            ledger.judge(other, user: 1, fingerprint: 77, exempt: .blocks, now: at(0))
                == .check(.network(other)))
    }

    @Test func zeroMeansNoLimit() {
        var settings = Ledger.Settings()
        settings.connections = 0
        settings.connectionsPerMinute = 0
        settings.commandErrors = 0
        settings.passwordTries = 0
        var ledger = Ledger(settings)
        for number in 0..<1000 {
            #expect(ledger.admit(client, now: at(0)) == .allowed)
            #expect(ledger.leave(client, commandErrors: 100, now: at(0)) == nil)
            #expect(fail(&ledger, client, user: 1, password: UInt64(number), at(0)) == nil)
        }
        #expect(ledger.admit(client, now: at(0)) == .allowed)
    }

    // MARK: Command errors

    @Test(
        arguments: [
            // errors of each session, seconds between them, which session begins the block
            ([5], 0.0, 0), ([4], 0, nil), ([4, 4, 4, 4], 1, nil), ([4, 4, 4, 4, 4], 1, 4),
            ([4, 4, 4, 4, 4, 4], 20, nil), ([0, 0, 0, 0, 0, 0, 0], 0, nil), ([1, 99], 0, 1),
            (Array(repeating: 1, count: 20), 1, 19),
        ] as [([Int], Double, Int?)])
    func commandErrors(_ errors: [Int], _ pause: Double, _ blocking: Int?) {
        var ledger = Ledger(Ledger.Settings())
        var first: Int?
        for (index, count) in errors.enumerated() {
            let now = at(Double(index) * pause)
            _ = ledger.admit(client, now: now)
            if ledger.leave(client, commandErrors: count, now: now) == 60, first == nil {
                first = index
            }
        }
        #expect(first == blocking)
    }

    @Test func aBlockForCommandErrorsEnds() {
        var ledger = Ledger(Ledger.Settings())
        #expect(ledger.leave(client, commandErrors: 5, now: at(0)) == 60)
        #expect(
            ledger.admit(client, now: at(10))
                == .blocked(seconds: 50, reason: .commandErrors, isNews: false))
        #expect(ledger.admit(other, now: at(10)) == .allowed)
        #expect(ledger.admit(client, now: at(60)) == .allowed)
    }

    // MARK: Logins

    func fail(
        _ ledger: inout Ledger, _ client: ClientNetwork, user: UInt64, password: UInt64,
        _ now: Deadline
    ) -> Int? {
        let verdict = ledger.judge(client, user: user, fingerprint: password, now: now)
        guard case .check(let suspect) = verdict else { return nil }
        return ledger.failed(suspect, fingerprint: password, now: now)
    }

    @Test func differentWrongPasswordsBlock() {
        var ledger = Ledger(Ledger.Settings())
        for password in 1...4 {
            #expect(fail(&ledger, client, user: 1, password: UInt64(password), at(0)) == nil)
        }
        #expect(fail(&ledger, client, user: 2, password: 5, at(1)) == 3600)
        #expect(
            ledger.judge(client, user: 3, fingerprint: 6, now: at(2)) == .blocked(seconds: 3599))
        #expect(
            ledger.admit(client, now: at(2))
                == .blocked(seconds: 3599, reason: .failedLogins, isNews: false))
        #expect(ledger.admit(other, now: at(2)) == .allowed)
        #expect(ledger.admit(client, now: at(3602)) == .allowed)
        // And it begins anew.
        for password in 1...4 {
            #expect(fail(&ledger, client, user: 1, password: UInt64(password), at(3602)) == nil)
        }
        #expect(fail(&ledger, client, user: 1, password: 5, at(3602)) == 3600)
    }

    @Test func theSameWrongPasswordCountsOnce() {
        var ledger = Ledger(Ledger.Settings())
        #expect(fail(&ledger, client, user: 1, password: 1, at(0)) == nil)
        for second in 1..<1000 {
            #expect(
                ledger.judge(client, user: 1, fingerprint: 1, now: at(Double(second)))
                    == .repeated)
        }
        // Two checks of one password that run at once count once too.
        for _ in 0..<10 {
            #expect(ledger.failed(.network(client), fingerprint: 2, now: at(2)) == nil)
        }
        for password in 3...4 {
            #expect(fail(&ledger, client, user: 1, password: UInt64(password), at(3)) == nil)
        }
        #expect(fail(&ledger, client, user: 1, password: 5, at(3)) == 3600)
    }

    @Test func oldFailuresDoNotCount() {
        var ledger = Ledger(Ledger.Settings())
        for password in 1...20 {
            let now = at(Double(password) * 901)
            #expect(fail(&ledger, client, user: 1, password: UInt64(password), now) == nil)
        }
    }

    @Test func aKnownUserIsNotLockedOutWithTheAttacker() {
        var ledger = Ledger(Ledger.Settings())
        ledger.succeeded(client, user: 1, now: at(0))
        for password in 1...4 {
            #expect(fail(&ledger, client, user: 2, password: UInt64(password), at(1)) == nil)
        }
        #expect(fail(&ledger, client, user: 3, password: 5, at(1)) == 3600)
        // Others are blocked there, the known user is not, and so the network may connect.
        #expect(
            ledger.judge(client, user: 2, fingerprint: 9, now: at(2)) == .blocked(seconds: 3599))
        guard case .check = ledger.judge(client, user: 1, fingerprint: 9, now: at(2)) else {
            Issue.record("locked out")
            return
        }
        #expect(ledger.admit(client, now: at(2)) == .allowed)
    }

    @Test func aKnownUserIsStillBounded() {
        var ledger = Ledger(Ledger.Settings())
        ledger.succeeded(client, user: 1, now: at(0))
        for password in 1...19 {
            #expect(fail(&ledger, client, user: 1, password: UInt64(password), at(1)) == nil)
        }
        #expect(fail(&ledger, client, user: 1, password: 20, at(1)) == 3600)
        #expect(
            ledger.judge(client, user: 1, fingerprint: 99, now: at(2)) == .blocked(seconds: 3599))
        // Which locks nobody else out.
        guard case .check = ledger.judge(client, user: 2, fingerprint: 9, now: at(2)) else {
            Issue.record("locked out")
            return
        }
    }

    @Test func aSuccessTakesNothingOffTheCount() {
        var ledger = Ledger(Ledger.Settings())
        for password in 1...4 {
            #expect(fail(&ledger, client, user: 2, password: UInt64(password), at(0)) == nil)
            ledger.succeeded(client, user: 1, now: at(0))
        }
        #expect(fail(&ledger, client, user: 2, password: 5, at(0)) == 3600)
    }

    @Test func acquaintanceEnds() {
        var ledger = Ledger(Ledger.Settings())
        ledger.succeeded(client, user: 1, now: at(0))
        #expect(ledger.hasKnownUsers(client, now: at(29 * 86_400)))
        #expect(!ledger.hasKnownUsers(client, now: at(31 * 86_400)))
        ledger.sweep(now: at(31 * 86_400))
        #expect(ledger.recordCount == 0)
    }

    @Test func oneNetworkHasOnlySoManyKnownUsers() {
        var ledger = Ledger(Ledger.Settings())
        for user in 0..<1000 {
            ledger.succeeded(client, user: UInt64(user), now: at(Double(user)))
        }
        ledger.succeeded(client, user: 800, now: at(1001))
        #expect(ledger.known[client]?.count == 256)
    }

    // MARK: Under attack

    @Test func addressesWithoutEndFillNoMemory() {
        var settings = Ledger.Settings()
        settings.capacity = 1000
        var ledger = Ledger(settings)
        let owner = Self.network(0xFFFFFF)
        ledger.succeeded(owner, user: 1, now: at(0))
        // The attacker who is blocked and goes on trying is not forgotten while others come.
        for password in 1...5 {
            _ = fail(&ledger, client, user: 2, password: UInt64(password), at(0))
        }
        for number in 3..<200_003 {
            let network = Self.network(number)
            let now = at(Double(number) / 10_000)
            _ = ledger.admit(network, now: now)
            _ = ledger.failed(.network(network), fingerprint: 1, now: now)
            _ = ledger.leave(network, commandErrors: 5, now: now)
            if number % 100 == 0 {
                guard case .blocked = ledger.judge(client, user: 2, fingerprint: 7, now: now)
                else {
                    Issue.record("forgot at \(number)")
                    return
                }
            }
        }
        #expect(ledger.recordCount <= 6 * 1000)
        #expect(ledger.hasKnownUsers(owner, now: at(100)))
        ledger.sweep(now: at(10_000))
        #expect(ledger.recordCount == 1)
    }
}
