// SPDX-License-Identifier: Apache-2.0
import Mail

extension ServerSession {
    /// BDAT: its octets come whatever is said about it (RFC 3030 §2).
    mutating func beginChunk(_ octets: Int, isLast: Bool, fault: Reply?) -> ServerStep {
        if let fault, fault.code.endsSession { return send(fault) }
        let chunk = Content.Chunk(size: octets, isLast: isLast, remaining: octets)
        state = .receiving
        if let fault {
            content = Content(refusing: fault, chunk: chunk)
        } else if var content {
            content.begin(chunk)
            self.content = content
        } else {
            content = Content(
                lineEnds: settings.repairsLineEnds ? .repaired : .strict, chunk: chunk)
        }
        // What is announced need not be read to be known as too much.
        if fault == nil, let known = content?.facts.octets,
            octets > settings.maxMessageSize - known
        {
            refuse(with: ServerReplies.tooBig)
        }
        return next()
    }

    /// Takes in what came of a message, and says what to do about it.
    mutating func nextOfContent() -> ServerStep {
        guard var content else {
            state = .ready
            return next()
        }
        // Out of its place while it changes, so that nothing is copied.
        self.content = nil
        framer.consumePending { content.receive($0) }
        content.finishLastChunk()
        self.content = content
        switch content.phase {
        case .refused(let reply): return content.isAtEnd ? conclude(with: reply) : .wait(.dataBlock)
        case .offered(let facts): return begin(facts)
        case .committing: return .commit(content.facts)
        case .header, .body: break
        }
        if let fault = content.fault(under: settings) {
            refuse(with: fault)
            return next()
        }
        if case .header = content.phase {
            guard let length = content.headerLength else { return endOfChunkOrWait(content) }
            // It would continue the trace field that is put before it, and could say there what it likes.
            if let first = content.block.first, first == .space || first == .tab {
                refuse(with: ServerReplies.beginsFolded)
                return next()
            }
            let facts = HeaderScanner.facts(of: content.block[..<length])
            guard facts.receivedCount <= settings.maxReceived else {
                refuse(with: ServerReplies.loop)
                return next()
            }
            self.content?.phase = .offered(facts)
            return begin(facts)
        }
        if let block = takeBlock() { return .append(block) }
        guard content.isComplete else { return endOfChunkOrWait(content) }
        self.content?.phase = .committing
        return .commit(content.facts)
    }

    private mutating func takeBlock() -> [UInt8]? {
        guard var content else { return nil }
        self.content = nil
        defer { self.content = content }
        return content.takeBlock()
    }

    private func begin(_ facts: HeaderFacts) -> ServerStep {
        transaction.map { .begin($0.envelope, facts) } ?? .close
    }

    /// Replies to a chunk that is not the last, or waits for more.
    private mutating func endOfChunkOrWait(_ content: Content) -> ServerStep {
        guard let chunk = content.chunk, content.isAtEnd else { return .wait(.dataBlock) }
        state = .ready
        return .send(ServerReplies.chunkAccepted(chunk.size))
    }

    /// Drops what comes from now on; the draft too, if there is one.
    private mutating func refuse(with reply: Reply) {
        if case .body = content?.phase { owesDiscard = true }
        content?.refuse(reply)
    }

    /// Says why a message was not taken; whatever it was, the transaction is over.
    private mutating func conclude(with reply: Reply) -> ServerStep {
        let hasMoreChunks = content?.chunk.map { !$0.isLast } ?? false
        resetTransaction()
        isMailRefused = hasMoreChunks
        state = .ready
        return send(reply)
    }
}
