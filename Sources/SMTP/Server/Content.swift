// SPDX-License-Identifier: Apache-2.0
import Mail

/// A message while it comes in, by DATA or by BDAT.
struct Content: Sendable {
    enum Phase: Sendable {
        /// The header is kept until it is whole → offered, refused.
        case header
        /// Waits for the answer to begin → body, refused.
        case offered(HeaderFacts)
        /// Octets go to the draft → committing, refused.
        case body
        /// Waits until the draft is durable.
        case committing
        /// What still comes is dropped; then this is said.
        case refused(Reply)
    }

    /// The octets of one BDAT.
    struct Chunk: Sendable {
        let size: Int
        let isLast: Bool
        var remaining: Int
    }

    var phase = Phase.header
    /// Nil for DATA.
    private(set) var chunk: Chunk?
    /// All of the message is here.
    private(set) var isComplete = false
    /// Octets of the message that were not handed out.
    private(set) var block: [UInt8] = []
    private(set) var decoder: DataDecoder

    /// What there is of the body is handed out, even if it is little.
    var isHurried = false

    /// So many octets are handed out at once, unless the message ends before.
    static let blockSize = 16 << 10

    /// The content that follows DATA.
    init(lineEnds: DataDecoder.LineEnds) {
        decoder = DataDecoder(.dot, lineEnds: lineEnds)
    }

    /// The content that comes by BDAT, of which `chunk` is the first.
    init(lineEnds: DataDecoder.LineEnds, chunk: Chunk) {
        decoder = DataDecoder(.chunks, lineEnds: lineEnds)
        self.chunk = chunk
    }

    /// A chunk that is not taken, for that reason.
    init(refusing reply: Reply, chunk: Chunk) {
        self.init(lineEnds: .strict, chunk: chunk)
        refuse(reply)
    }

    /// Keeps nothing of it, and drops what still comes.
    mutating func refuse(_ reply: Reply) {
        phase = .refused(reply)
        block = []
    }

    /// The next BDAT of the same message.
    mutating func begin(_ chunk: Chunk) {
        self.chunk = chunk
    }

    /// Whether nothing more comes before a reply is due.
    var isAtEnd: Bool { chunk.map { $0.remaining == 0 } ?? isComplete }

    /// Takes octets in.
    ///
    /// - Returns: How many of the input belong to this content.
    mutating func receive(_ input: borrowing Span<UInt8>) -> Int {
        if isAtEnd { return 0 }
        defer {
            if case .refused = phase { block = [] }
        }
        guard var chunk else {
            let progress = decoder.decode(input, into: &block)
            isComplete = progress.isAtEnd
            return progress.consumed
        }
        let count = min(chunk.remaining, input.count)
        if case .refused = phase {
        } else {
            _ = decoder.decode(input.extracting(first: count), into: &block)
        }
        chunk.remaining -= count
        self.chunk = chunk
        return count
    }

    /// Ends a message of chunks when its last one is here.
    mutating func finishLastChunk() {
        guard let chunk, chunk.isLast, chunk.remaining == 0, !isComplete else { return }
        decoder.finish(into: &block)
        isComplete = true
    }

    /// Why the message cannot be taken, as far as it is here; nil while nothing is wrong.
    func fault(under settings: ServerSettings) -> Reply? {
        if decoder.hasBareLineEnd, !settings.repairsLineEnds { return ServerReplies.bareLineEnd }
        if decoder.octets > settings.maxMessageSize { return ServerReplies.tooBig }
        if case .header = phase, headerLength ?? decoder.octets > settings.maxHeaderSize {
            return ServerReplies.headerTooBig
        }
        if let limit = settings.maxTextLine, decoder.longestLine > limit {
            return ServerReplies.lineTooLong
        }
        return nil
    }

    /// Octets of the header; nil while it is not whole.
    var headerLength: Int? { decoder.headerLength ?? (isComplete ? decoder.octets : nil) }

    /// Hands out what is due; nil if it is not enough yet.
    mutating func takeBlock() -> [UInt8]? {
        guard block.count >= (isComplete || isHurried ? 1 : Self.blockSize) else { return nil }
        isHurried = false
        let due = block
        block = []
        return due
    }

    /// What is known at the end.
    var facts: ContentFacts {
        var facts = ContentFacts()
        facts.octets = decoder.octets
        facts.longestLine = decoder.longestLine
        facts.has8Bit = decoder.has8Bit
        facts.hasNUL = decoder.hasNUL
        return facts
    }
}
