// SPDX-License-Identifier: Apache-2.0

/// Counts the octets of a message as it is sent: each line end as CRLF, also the last one, no dot doubled.
///
/// That is the size which RFC 1939 §11 and RFC 1870 §5 mean, and what ``DotStuffing`` sends before it stuffs.
package struct WireSize: Sendable {
    private var octets = 0
    private var previous: UInt8 = .lineFeed

    /// At the beginning of a message.
    package init() {}

    /// Counts the next piece.
    package mutating func add(_ bytes: borrowing Span<UInt8>) {
        octets += bytes.count
        bytes.withUnsafeBytes { raw in
            var index = 0
            while index < raw.count {
                if index > 0, index + 8 <= raw.count {
                    let here = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    let before = raw.loadUnaligned(fromByteOffset: index - 1, as: UInt64.self)
                    let bare =
                        ByteScanner.matches(.lineFeed, in: here)
                        & ~ByteScanner.matches(.carriageReturn, in: before)
                    octets += bare.nonzeroBitCount
                    index += 8
                    previous = raw[index - 1]
                } else {
                    if raw[index] == .lineFeed, previous != .carriageReturn { octets += 1 }
                    previous = raw[index]
                    index += 1
                }
            }
        }
    }

    /// The message's size when nothing more comes.
    package var total: Int {
        switch previous {
        case .lineFeed: octets
        case .carriageReturn: octets + 1
        default: octets + 2
        }
    }
}
