// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import SMTP
import TLS

/// What all conversations of this smtpd share.
final class Service {
    let slice: SMTPSlice
    let queue: Queue
    let accounts: AccountClient
    let gate: Gate
    /// How mail can leave this host at all.
    let ways: RelayEnvelope.Ways
    /// Octets that all sessions hold together while more is to come.
    var held = 0
    /// Whether messages can be stored.
    let storage = StorageWatch(.writing)
    var restraint = LogRestraint()
    private let contexts: [TLSContext?]

    /// Whether sessions hold as much as they may; drafts may hold the other half of the memory.
    var isCrowded: Bool { held > slice.settings.maxMemory / 2 }

    /// Decodes the slice, locks the worker in, and opens the gate.
    ///
    /// - Throws: What makes serving impossible.
    static func start(_ worker: Worker) throws {
        let slice = try SMTPSlice(bytes: worker.slice)
        // One rule for all of the queue: a file may be moved only between places with the same rights.
        let sandbox = Sandbox(
            paths: [("\(slice.root)/queue", [.create, .write, .remove, .move])],
            calls: [.accept, .files])
        let pool = BlockingPool(threads: Queue.commitThreads, name: "commit")
        var settings = QueueSettings()
        settings.allDraftsMemory = slice.settings.maxMemory / 2
        let queue = try Queue(root: slice.root, pool: pool, settings: settings)
        let service = try Service(slice, queue, worker)
        try sandbox.enter()
        service.openGate()
        worker.ready()
    }

    private init(_ slice: SMTPSlice, _ queue: Queue, _ worker: Worker) throws {
        self.slice = slice
        self.queue = queue
        ways = slice.methods.reduce(into: []) { ways, method in
            ways.insert(method == .relay ? .smarthost : .direct)
        }
        accounts = AccountClient()
        gate = Gate(
            worker: worker, accounts: accounts, limit: slice.settings.maxConnections,
            handshakeSeconds: slice.settings.handshakeTimeout)
        contexts = try TLSContext.contexts(
            of: slice.listeners, certificates: slice.certificates, settings: slice.tls)
        let accounts = accounts
        worker.onAuthd = { accounts.connect($0) }
        accounts.onAbandoned = { worker.fail() }
    }

    private func openGate() {
        // The service lives as long as the process, so that it may hold itself.
        let trade = Gate.Trade(
            converse: { visitor in await Conversation(self, visitor).run() },
            words: { refusal in
                switch refusal {
                case .blocked: ServerReplies.blocked.description
                case .full, .unavailable: ServerReplies.busy.description
                }
            })
        for (listener, context) in zip(slice.listeners, contexts) {
            gate.open(listener, context: context, trade: trade)
        }
    }
}
