// SPDX-License-Identifier: Apache-2.0
import Common

/// A client as a worker names it.
nonisolated struct Client: Sendable {
    /// The address alone, for the log.
    let text: String
    let network: ClientNetwork
    let exemptions: Ledger.Exemptions

    /// Takes an address.
    init(_ address: SocketAddress, exemptions: Ledger.Exemptions = []) {
        text = address.host
        network = ClientNetwork(address)
        self.exemptions = exemptions
    }
}

/// The counters that all workers share, in the one place where they change.
final class Books {
    var ledger: Ledger
    var limits = Limits()

    init(_ settings: Ledger.Settings) {
        ledger = Ledger(settings)
    }

    /// Forgets what is over.
    func sweep(now: Deadline) {
        ledger.sweep(now: now)
        limits.sweep(now: now)
        Counter.blocked.set(ledger.blocks(now: now).count)
    }

    /// Writes the line that a block begins with.
    func tellBlocked(_ client: Client, seconds: Int, reason: BlockReason, service: String) {
        Counter.blocked.set(Counter.blocked.value + 1)
        Log.write(
            .notice, "client.blocked",
            [
                "client": client.text, "network": client.network, "reason": reason.word,
                "seconds": seconds, "service": service,
            ])
    }
}
