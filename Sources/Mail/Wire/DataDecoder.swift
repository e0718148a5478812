// SPDX-License-Identifier: Apache-2.0

/// Turns the octets that follow DATA or BDAT into those of the message, at the speed of copying.
///
/// Only CRLF ends a line and only `CRLF . CRLF` ends DATA (RFC 5321 §4.1.1.4). A bare CR or LF is content of
/// a damaged message, never a line end: whatever follows is still looked for the one true end, so that no
/// part of a message is ever taken for commands. With `.repaired` bare ones become CRLF in what is stored,
/// and end the message just as little.
package struct DataDecoder: Sendable {
    /// Where a message ends, and whether dots are stuffed.
    package enum Framing: Sendable {
        /// DATA: at the line with the dot.
        case dot
        /// BDAT: where the sender of the chunks says; dots are content.
        case chunks
    }

    /// What becomes of bare CR and LF.
    package enum LineEnds: Sendable {
        case strict
        case repaired
    }

    /// A CR or LF stood alone; the message must not be stored unless it was repaired.
    package private(set) var hasBareLineEnd = false
    /// Whether any octet was above 127.
    package private(set) var has8Bit = false
    /// Whether any octet was 0.
    package private(set) var hasNUL = false
    /// The most octets between two line ends.
    package private(set) var longestLine = 0
    /// The length of the header with the empty line that ends it; nil while that has not come.
    package private(set) var headerLength: Int?
    /// How many octets of message were decoded.
    package private(set) var octets = 0

    private let framing: Framing
    private let lineEnds: LineEnds
    private var place = Place.lineStart
    private var lineLength = 0

    private enum Place: Sendable {
        /// After CRLF, or at the beginning.
        case lineStart
        /// Within a line.
        case text
        /// After a CR that is held back.
        case carriageReturn
        /// After a dot that began a line, and is held back.
        case dot
        /// After that dot and a CR.
        case dotCarriageReturn
    }

    /// A decoder at the beginning of a message.
    package init(_ framing: Framing, lineEnds: LineEnds = .strict) {
        self.framing = framing
        self.lineEnds = lineEnds
    }

    /// What decoding came to.
    package struct Progress: Equatable, Sendable {
        /// How many octets of the input belong to the message.
        package let consumed: Int
        /// Whether the line with the dot was seen.
        package let isAtEnd: Bool
    }

    /// Decodes input up to its end or the message's.
    ///
    /// - Parameters:
    ///   - input: The next octets.
    ///   - output: Gets the message's octets appended.
    /// - Returns: What of the input was used.
    package mutating func decode(
        _ input: borrowing Span<UInt8>, into output: inout [UInt8]
    ) -> Progress {
        input.withUnsafeBytes { decode($0, into: &output) }
    }

    /// Ends a message of chunks: a last line without line end gets one (RFC 3030 §2).
    package mutating func finish(into output: inout [UInt8]) {
        if place == .carriageReturn { bareCarriageReturn(into: &output) }
        // A line that is empty in its midst was just begun by a repaired line end.
        if place == .text, lineLength > 0 { endLine(into: &output) }
    }

    private mutating func decode(
        _ input: UnsafeRawBufferPointer, into output: inout [UInt8]
    ) -> Progress {
        var position = 0
        /// Where the octets begin that were passed but not yet copied.
        var uncopied = 0
        func copy(upTo end: Int, _ decoder: inout Self, _ output: inout [UInt8]) {
            guard end > uncopied else { return }
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: input[uncopied..<end]))
            decoder.octets += end - uncopied
        }
        while position < input.count {
            switch place {
            case .lineStart:
                lineLength = 0
                place = .text
                if framing == .dot, input[position] == UInt8(ascii: ".") {
                    copy(upTo: position, &self, &output)
                    position += 1
                    uncopied = position
                    place = .dot
                }
            case .text:
                let found = scan(input, from: position)
                lineLength += found - position
                position = found
                guard found < input.count else { break }
                if input[found] == .carriageReturn, found + 1 < input.count,
                    input[found + 1] == .lineFeed
                {
                    position = found + 2
                    lineEnded(at: octets + position - uncopied)
                } else {
                    copy(upTo: found, &self, &output)
                    position = found + 1
                    uncopied = position
                    if input[found] == .carriageReturn {
                        place = .carriageReturn
                    } else {
                        bareLineFeed(into: &output)
                    }
                }
            case .carriageReturn:
                if input[position] == .lineFeed {
                    position += 1
                    endLine(into: &output)
                } else {
                    bareCarriageReturn(into: &output)
                }
                uncopied = position
            case .dot:
                // The dot itself is dropped when anything else follows (RFC 5321 §4.5.2).
                place = .text
                if input[position] == .carriageReturn {
                    position += 1
                    place = .dotCarriageReturn
                }
                uncopied = position
            case .dotCarriageReturn:
                if input[position] == .lineFeed {
                    return Progress(consumed: position + 1, isAtEnd: true)
                }
                bareCarriageReturn(into: &output)
                uncopied = position
            }
        }
        copy(upTo: position, &self, &output)
        return Progress(consumed: position, isAtEnd: false)
    }

    /// The position of the next CR or LF, or the end; notes the kind of the octets before it.
    @inline(__always)
    private mutating func scan(_ input: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        var seen: UInt64 = 0
        let high: UInt64 = 0x8080_8080_8080_8080
        while true {
            // Eight octets at a time until one is below 14: CR and LF are, NUL is, tab is.
            while index + 8 <= input.count {
                let word = input.loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
                let low = (word &- 0x0E0E_0E0E_0E0E_0E0E) & ~word & high
                if low != 0 {
                    // Borrows run upwards: the lowest match is a true one.
                    let offset = low.trailingZeroBitCount / 8
                    seen |= word & ((1 << UInt64(8 * offset)) - 1)
                    index += offset
                    break
                }
                seen |= word
                index += 8
            }
            guard index < input.count else { break }
            let byte = input[index]
            if byte == .lineFeed || byte == .carriageReturn { break }
            if byte == 0 { hasNUL = true }
            seen |= UInt64(byte)
            index += 1
        }
        if seen & high != 0 { has8Bit = true }
        return index
    }

    /// A line ended with CRLF; `length` octets of the message are known with it.
    private mutating func lineEnded(at length: Int) {
        if lineLength > longestLine { longestLine = lineLength }
        if lineLength == 0, headerLength == nil { headerLength = length }
        place = .lineStart
    }

    private mutating func endLine(into output: inout [UInt8]) {
        output.append(.carriageReturn)
        output.append(.lineFeed)
        octets += 2
        lineEnded(at: octets)
    }

    private mutating func bareLineFeed(into output: inout [UInt8]) {
        hasBareLineEnd = true
        guard lineEnds == .strict else {
            endLine(into: &output)
            lineLength = 0
            // Not a line start: a dot here must neither be dropped nor end the message.
            place = .text
            return
        }
        output.append(.lineFeed)
        octets += 1
        lineLength += 1
        place = .text
    }

    private mutating func bareCarriageReturn(into output: inout [UInt8]) {
        hasBareLineEnd = true
        if lineEnds == .repaired {
            endLine(into: &output)
            lineLength = 0
        } else {
            output.append(.carriageReturn)
            octets += 1
            lineLength += 1
        }
        place = .text
    }
}
