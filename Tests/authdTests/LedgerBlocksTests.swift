// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import authd

@Suite struct LedgerBlocksTests {
    let client = LedgerTests.network(1)
    let other = LedgerTests.network(2)

    /// Two networks, one blocked for both reasons.
    func ledger() -> Ledger {
        var settings = Ledger.Settings()
        settings.passwordTries = 1
        settings.commandErrors = 1
        settings.commandBlock = 100
        settings.passwordBlock = 1000
        var ledger = Ledger(settings)
        _ = ledger.failed(.network(client), fingerprint: 1, now: at(0))
        for network in [client, other] {
            _ = ledger.admit(network, now: at(0))
            _ = ledger.leave(network, commandErrors: 1, now: at(0))
        }
        return ledger
    }

    @Test func listed() {
        let blocks = ledger().blocks(now: at(10))
        #expect(blocks.count == 3)
        #expect(
            blocks.contains(
                Ledger.Block(
                    client: client, reason: .failedLogins, isOfOneUser: false, seconds: 990)))
        #expect(
            blocks.contains(
                Ledger.Block(
                    client: other, reason: .commandErrors, isOfOneUser: false, seconds: 90)))
        #expect(ledger().blocks(now: at(500)).count == 1)
        #expect(ledger().blocks(now: at(5000)).isEmpty)
    }

    @Test func ended() {
        var ledger = ledger()
        let cleared = ledger.clearBlocks(of: client, now: at(10))
        #expect(cleared == 2)
        #expect(ledger.blocks(now: at(10)).map(\.client) == [other])
        let admission = ledger.admit(client, now: at(10))
        #expect(admission == .allowed)
        let again = ledger.clearBlocks(of: client, now: at(10))
        #expect(again == 0)
        let rest = ledger.clearBlocks(of: nil, now: at(10))
        #expect(rest == 1)
        #expect(ledger.blocks(now: at(10)).isEmpty)
    }

    /// What was counted towards the next block is forgotten, too.
    @Test func countsBeginAnew() {
        var settings = Ledger.Settings()
        settings.passwordTries = 2
        var ledger = Ledger(settings)
        _ = ledger.failed(.network(client), fingerprint: 1, now: at(0))
        _ = ledger.clearBlocks(of: client, now: at(1))
        let seconds = ledger.failed(.network(client), fingerprint: 2, now: at(2))
        #expect(seconds == nil)
    }
}
