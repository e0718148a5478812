// SPDX-License-Identifier: Apache-2.0
import Mail

/// Finds where TOP ends: after the header, the blank line and so many lines of the body (RFC 1939 §7, TOP).
package struct TopLimit: Sendable {
    private var linesLeft: Int
    private var isInBody = false
    /// Nothing but perhaps a CR on this line of the header so far.
    private var isLineBlank = true

    /// At the beginning of a message; 0 lines end right after the blank line.
    package init(bodyLines: Int) {
        linesLeft = bodyLines
    }

    /// Whether all that belongs has been seen.
    package var isReached: Bool { isInBody && linesLeft == 0 }

    /// How many octets of the next piece belong.
    package mutating func octets(of piece: borrowing Span<UInt8>) -> Int {
        var position = 0
        while !isInBody {
            guard position < piece.count else { return position }
            let byte = piece[position]
            position += 1
            if byte == .lineFeed {
                isInBody = isLineBlank
                isLineBlank = true
            } else if byte != .carriageReturn {
                isLineBlank = false
            }
        }
        while linesLeft > 0 {
            guard let end = ByteScanner.firstIndex(of: .lineFeed, in: piece, from: position) else {
                return piece.count
            }
            position = end + 1
            linesLeft -= 1
        }
        return position
    }
}
