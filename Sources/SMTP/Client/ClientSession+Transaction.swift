// SPDX-License-Identifier: Apache-2.0
import Mail

/// MAIL to end of data.
extension ClientSession {
    /// The most recipients of one transaction (RFC 5321 §4.5.3.1.8), fewer if the server says so.
    package var recipientLimit: Int { min(100, extensions.recipientLimit ?? 100) }

    /// Begins a transaction; only after `.ready`.
    package mutating func begin(_ message: ClientTransaction) {
        precondition(state == .idle && !message.recipients.isEmpty)
        if let obstacle = obstacle(to: message) {
            steps.append(.settled(message.recipients.map { _ in obstacle }))
            return
        }
        var transaction = Transaction(message)
        if isOutOfStep {
            state = .transaction(transaction)
            return failOutOfStep()
        }
        steps.append(.send(transaction.commands(for: extensions)))
        state = .transaction(transaction)
    }

    /// The message went out whole, up to the CRLF of its last line.
    package mutating func contentSent() {
        guard case .transaction(var transaction) = state, transaction.isSending else { return }
        steps.append(.send([UInt8(ascii: "."), 13, 10]))
        transaction.isSending = false
        transaction.expected = [.endOfData]
        state = .transaction(transaction)
    }

    /// Why the server could not take the message, known before MAIL is said.
    private func obstacle(to message: ClientTransaction) -> Outcome? {
        if let limit = extensions.sizeLimit, message.size > limit {
            return Outcome(
                .permanent, EnhancedStatus(.permanent, 3, 4), at: .mail,
                "the message has \(message.size) octets, the server takes \(limit)")
        }
        if message.needsUTF8, !extensions.smtpUTF8 {
            return Outcome(
                .permanent, EnhancedStatus(.permanent, 6, 7), at: .mail,
                "an address or the header is not ASCII, and the server has no SMTPUTF8")
        }
        if message.isEightBit, !extensions.eightBitMIME {
            // RFC 6152 §3: what cannot be sent as it is, and is not converted, is undeliverable.
            return Outcome(
                .permanent, EnhancedStatus(.permanent, 6, 3), at: .mail,
                "the message holds 8-bit octets, and the server has no 8BITMIME")
        }
        return nil
    }

    mutating func transactionAnswered(_ reply: PeerReply, _ before: Transaction) {
        var transaction = before
        guard !transaction.isSending, !transaction.expected.isEmpty else {
            // RFC 5321 §4.2: no reply without command. While content goes out it can only be a refusal.
            guard transaction.isSending, reply.code >= 400 else {
                return failOutOfStep(reply)
            }
            var outcome = reply.outcome(at: .endOfData)
            transaction.settleRest(outcome)
            steps.append(.settled(transaction.outcomes))
            state = .idle
            outcome.result = .temporary
            // Half a message is on its way: only a new connection is in step again.
            return fail(outcome)
        }
        switch transaction.expected.removeFirst() {
        case .mail:
            if reply.severity != .positive { transaction.settleRest(reply.outcome(at: .mail)) }
        case .recipient(let index):
            transaction.recipientAnswered(index, reply)
        case .data:
            return dataAnswered(reply, transaction)
        case .endOfData:
            return finish(transaction, with: reply)
        case .nothing:
            return finish(transaction, reset: false)
        }
        if transaction.expected.isEmpty { goOn(&transaction) }
        if case .transaction = state { state = .transaction(transaction) }
    }

    /// The next command of a server without PIPELINING, or the end if no recipient is left.
    private mutating func goOn(_ transaction: inout Transaction) {
        if transaction.isMailRefused { return finish(transaction, reset: false) }
        if transaction.nextRecipient < transaction.message.recipients.count {
            steps.append(.send(transaction.recipientCommand(for: extensions)))
        } else if transaction.hasRecipient {
            steps.append(.send(transaction.dataCommand()))
        } else {
            finish(transaction, reset: true)
        }
    }

    private mutating func dataAnswered(_ reply: PeerReply, _ before: Transaction) {
        var transaction = before
        if reply.code == 354 {
            if transaction.hasRecipient {
                transaction.isSending = true
            } else {
                // RFC 2920 §3.1: the server opened the data of a message for nobody: a lone dot ends it.
                steps.append(.send([UInt8(ascii: "."), 13, 10]))
                transaction.expected = [.nothing]
            }
            state = .transaction(transaction)
            return
        }
        guard reply.code >= 400 else {
            let text = "unexpected reply to DATA: \(reply.text)"
            return fail(Outcome(.temporary, EnhancedStatus(.temporary, 5, 0), at: .data, text))
        }
        transaction.settleRest(reply.outcome(at: .data))
        finish(transaction, reset: !transaction.isMailRefused)
    }

    private mutating func finish(_ before: Transaction, with reply: PeerReply) {
        var transaction = before
        transaction.settleRest(reply.outcome(at: .endOfData))
        if reply.severity == .intermediate {
            state = .transaction(transaction)
            return fail(reply.outcome(at: .endOfData))
        }
        finish(transaction, reset: false)
    }

    /// Hands the outcomes over; the connection is ready for more, after RSET where the server's state is open.
    private mutating func finish(_ transaction: Transaction, reset: Bool) {
        steps.append(.settled(transaction.outcomes))
        if reset {
            send("RSET")
            state = .resetting
        } else {
            state = .idle
        }
    }
}

extension ClientSession {
    /// Where a transaction is, and what became of each recipient so far.
    struct Transaction: Equatable {
        /// A command that was sent and not answered yet.
        enum Expected: Equatable {
            case mail, recipient(Int), data, endOfData
            /// The end of a message for nobody.
            case nothing
        }

        let message: ClientTransaction
        var expected: [Expected] = []
        var isSending = false
        /// The first recipient that no command was sent for.
        var nextRecipient = 0
        var isMailRefused = false
        private var found: [Outcome?]
        private var accepted: [Bool]

        init(_ message: ClientTransaction) {
            self.message = message
            found = message.recipients.map { _ in nil }
            accepted = message.recipients.map { _ in false }
        }

        /// Whether the server takes the message for anybody.
        var hasRecipient: Bool { accepted.contains(true) }

        /// One for each recipient, once everybody has one.
        var outcomes: [Outcome] { found.compactMap(\.self) }

        var awaited: ClientStep {
            if isSending { return .content }
            switch expected.first {
            case .data: return .wait(.data)
            case .endOfData: return .wait(.endOfData)
            case .mail, .recipient, .nothing, nil: return .wait(.reply)
            }
        }

        var stage: Outcome.Stage {
            if isSending { return .data }
            switch expected.first {
            case .mail: return .mail
            case .recipient: return .recipient
            case .endOfData: return .endOfData
            case .data, .nothing, nil: return .data
            }
        }

        mutating func recipientAnswered(_ index: Int, _ reply: PeerReply) {
            guard found[index] == nil else { return }
            if reply.severity == .positive {
                accepted[index] = true
            } else {
                found[index] = reply.outcome(at: .recipient)
            }
        }

        /// Everybody who has no outcome yet gets this one.
        mutating func settleRest(_ outcome: Outcome) {
            var outcome = outcome
            if outcome.stage == .mail { isMailRefused = true }
            // The dot is out and no answer came: the one case in which nobody knows.
            if expected.first == .endOfData, !outcome.isRemote { outcome.mayBeDuplicate = true }
            for index in found.indices where found[index] == nil { found[index] = outcome }
        }
    }
}
