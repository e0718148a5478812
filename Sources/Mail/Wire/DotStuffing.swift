// SPDX-License-Identifier: Apache-2.0

/// Makes a message fit for the wire (RFC 5321 §4.5.2, RFC 1939 §3), in pieces and at the speed of copying.
///
/// A dot that begins a line is doubled. A bare LF, as files of other programs have it, goes out as CRLF: no
/// bare LF ever leaves. The end of the message is `CRLF . CRLF`, whatever its last line ended with.
package struct DotStuffing: Sendable {
    /// The octet before the next one; a message begins like after a line end.
    private var previous: UInt8 = .lineFeed

    /// At the beginning of a message.
    package init() {}

    /// Adds the next piece of the message to `output`, encoded.
    ///
    /// - Parameters:
    ///   - bytes: The piece; cut it wherever you like.
    ///   - output: Grows by little more than the piece.
    package mutating func encode(_ bytes: borrowing Span<UInt8>, into output: inout [UInt8]) {
        bytes.withUnsafeBufferPointer { encode($0, into: &output) }
    }

    /// Ends the message: CRLF unless its last line had one, then the line with the dot.
    package mutating func finish(into output: inout [UInt8]) {
        if previous != .lineFeed {
            // A last CR becomes part of the line end: its LF is all that is missing.
            if previous != .carriageReturn { output.append(.carriageReturn) }
            output.append(.lineFeed)
        }
        output.append(contentsOf: [UInt8(ascii: "."), .carriageReturn, .lineFeed])
        self = Self()
    }

    private mutating func encode(
        _ bytes: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]
    ) {
        guard let first = bytes.first, let last = bytes.last else { return }
        // The first octet is judged by the previous piece's last one; all others have both neighbours here.
        Self.insert(before: first, after: previous, into: &output)
        var copied = 0
        var position = 0
        while let found = Self.firstSpecial(in: bytes, from: position) {
            output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[copied..<found]))
            Self.insert(before: bytes[found], after: bytes[found - 1], into: &output)
            copied = found
            position = found
        }
        output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[copied...]))
        previous = last
    }

    private static func insert(
        before byte: UInt8, after previous: UInt8, into output: inout [UInt8]
    ) {
        if byte == UInt8(ascii: "."), previous == .lineFeed { output.append(byte) }
        if byte == .lineFeed, previous != .carriageReturn { output.append(.carriageReturn) }
    }

    /// The first octet after `position` that something must be put before: a dot after LF, an LF not after CR.
    ///
    /// Eight octets at a time, each compared with its predecessor: a word loaded one octet earlier.
    private static func firstSpecial(
        in bytes: UnsafeBufferPointer<UInt8>, from position: Int
    ) -> Int? {
        var index = position + 1
        let raw = UnsafeRawBufferPointer(bytes)
        while index + 8 <= bytes.count {
            let here = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
            let before = raw.loadUnaligned(fromByteOffset: index - 1, as: UInt64.self).littleEndian
            let special =
                (ByteScanner.matches(UInt8(ascii: "."), in: here)
                    & ByteScanner.matches(.lineFeed, in: before))
                | (ByteScanner.matches(.lineFeed, in: here)
                    & ~ByteScanner.matches(.carriageReturn, in: before))
            if special != 0 { return index + special.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count {
            let (byte, before) = (bytes[index], bytes[index - 1])
            if byte == UInt8(ascii: "."), before == .lineFeed { return index }
            if byte == .lineFeed, before != .carriageReturn { return index }
            index += 1
        }
        return nil
    }
}
