// SPDX-License-Identifier: Apache-2.0
import Common
import POP3
import TLS

/// What all conversations of this pop3d share.
final class Service {
    let slice: POP3Slice
    let store: MailStore
    let accounts: AccountClient
    /// For what may wait for a disk: opening mailboxes, reading what is not in memory, deleting.
    let disk = BlockingPool(threads: 8, name: "disk")
    let gate: Gate
    /// Whether mailboxes can be read.
    let storage = StorageWatch(.reading)
    var restraint = LogRestraint()
    private let contexts: [TLSContext?]

    /// Decodes the slice, locks the worker in, and opens the gate.
    ///
    /// - Throws: What makes serving impossible.
    static func start(_ worker: Worker) throws {
        let slice = try POP3Slice(bytes: worker.slice)
        let rights: Sandbox.Rights = [
            .read, .list, .create, .write, .remove, .makeFolder, .move,
        ]
        let sandbox = Sandbox(
            paths: [("\(slice.root)/\(Maildir.accounts)", rights)],
            calls: [.accept, .files, .beneath])
        let service = try Service(slice, worker)
        try sandbox.enter()
        service.openGate()
        worker.ready()
    }

    private init(_ slice: POP3Slice, _ worker: Worker) throws {
        self.slice = slice
        store = try MailStore(root: slice.root)
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
            words: { refusal in "\(Response(LoginRefusal(refusal)))" })
        for (listener, context) in zip(slice.listeners, contexts) {
            gate.open(listener, context: context, trade: trade)
        }
    }
}

extension LoginRefusal {
    init(_ refusal: Gate.Refusal) {
        switch refusal {
        case .blocked(let seconds, let reason): self.init(reason, seconds: seconds)
        case .full: self = .blocked(reason: "too many connections", seconds: 0)
        case .unavailable: self = .temporary
        }
    }

    init(_ reason: BlockReason, seconds: Int) {
        self =
            reason == .rate
            ? .tooOften(seconds: seconds)
            : .blocked(reason: reason.description, seconds: seconds)
    }
}
