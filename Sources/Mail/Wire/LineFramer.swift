// SPDX-License-Identifier: Apache-2.0

/// Cuts a stream of bytes into lines that end with CRLF and with nothing else.
///
/// A bare CR or LF never ends a line: programs that disagree about it are how commands are smuggled. The line
/// that holds one is refused at once, and the next line begins after the next CRLF. A line over the limit is
/// refused in the same way; what is skipped is not kept, so memory is bounded by one line and what was read.
package struct LineFramer: Sendable {
    /// What a line turned out to be.
    package enum Event: Equatable, Sendable {
        /// The bytes before CRLF, no CR or LF among them.
        case line([UInt8])
        /// One refused line; its rest is skipped.
        case refused(LineError)
    }

    /// The longest line, its CRLF included; a new value holds from the next call of ``next()``.
    package var limit: Int
    private var buffer: [UInt8] = []
    private var start = 0
    private var scanned = 0
    private var isSkipping = false

    /// A framer without input.
    ///
    /// - Parameter limit: The longest line in octets, its CRLF included.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Adds bytes that were received.
    package mutating func append(_ bytes: borrowing Span<UInt8>) {
        bytes.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
    }

    /// Adds bytes that were received.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
    }

    /// The next line, or nil until more bytes come.
    package mutating func next() -> Event? {
        if isSkipping, !skip() { return nil }
        while scanned < buffer.count {
            switch buffer[scanned] {
            case .carriageReturn:
                guard scanned + 1 < buffer.count else { return nil }
                guard buffer[scanned + 1] == .lineFeed else { return refuse(.bareCR) }
                let line = Array(buffer[start..<scanned])
                consume(to: scanned + 2)
                return .line(line)
            case .lineFeed:
                return refuse(.bareLF)
            default:
                scanned += 1
                if scanned - start > limit - 2 { return refuse(.tooLong) }
            }
        }
        return nil
    }

    /// How many received octets no line was made of yet.
    package var pendingCount: Int { buffer.count - start }

    /// Forgets them, as STARTTLS must: what came before the handshake came from anybody.
    package mutating func discardPending() {
        _ = takePending()
        isSkipping = false
    }

    /// Hands them over, for a phase in which bytes are not lines (DATA, BDAT).
    package mutating func takePending() -> [UInt8] {
        let rest = start == 0 ? buffer : Array(buffer[start...])
        buffer = []
        start = 0
        scanned = 0
        return rest
    }

    /// Shows them, for a phase in which bytes are not lines, and drops as many as `body` used.
    package mutating func consumePending(_ body: (borrowing Span<UInt8>) -> Int) {
        guard start < buffer.count else { return }
        let used = body(buffer.span.extracting(start...))
        consume(to: start + min(max(used, 0), buffer.count - start))
    }

    private mutating func refuse(_ error: LineError) -> Event {
        isSkipping = true
        // A CR that was bare only because another follows may begin the CRLF: skip from the offender on.
        consume(to: error == .tooLong ? scanned : scanned + 1)
        return .refused(error)
    }

    /// Drops everything up to the next CRLF; false when that has not come yet.
    private mutating func skip() -> Bool {
        while scanned < buffer.count {
            if buffer[scanned] == .carriageReturn {
                guard scanned + 1 < buffer.count else { break }
                if buffer[scanned + 1] == .lineFeed {
                    isSkipping = false
                    consume(to: scanned + 2)
                    return true
                }
            }
            scanned += 1
        }
        consume(to: scanned)
        return false
    }

    /// Moves on; an empty buffer is given back, because an idle session shall own none.
    private mutating func consume(to position: Int) {
        start = position
        scanned = position
        if start == buffer.count {
            buffer = []
            start = 0
            scanned = 0
        } else if start >= 4096, start * 2 > buffer.count {
            buffer.removeFirst(start)
            start = 0
            scanned = 0
        }
    }
}

/// Why a line is refused.
package enum LineError: Error, Equatable, Sendable {
    /// A CR that no LF follows.
    case bareCR
    /// An LF that no CR precedes.
    case bareLF
    /// More octets than the limit.
    case tooLong
}

extension UInt8 {
    /// CR, `\r`.
    package static let carriageReturn: UInt8 = 13
    /// LF, `\n`.
    package static let lineFeed: UInt8 = 10
}
