// SPDX-License-Identifier: Apache-2.0

/// Finds octets eight at a time.
package enum ByteScanner {
    /// The high bit of every octet of `word` that equals `byte`, and no other bit.
    ///
    /// Exact for each octet, so that results can be combined with `&`, `|` and `~`.
    @inline(__always)
    package static func matches(_ byte: UInt8, in word: UInt64) -> UInt64 {
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        let difference = word ^ (0x0101_0101_0101_0101 &* UInt64(byte))
        return ~(((difference & low) &+ low) | difference | low)
    }

    /// The first position at or after `start` where `byte` stands.
    package static func firstIndex(
        of byte: UInt8, in bytes: borrowing Span<UInt8>, from start: Int = 0
    ) -> Int? {
        bytes.withUnsafeBytes { raw in
            var index = start
            while index + 8 <= raw.count {
                let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
                let found = matches(byte, in: word)
                if found != 0 { return index + found.trailingZeroBitCount / 8 }
                index += 8
            }
            while index < raw.count {
                if raw[index] == byte { return index }
                index += 1
            }
            return nil
        }
    }

    /// How often `byte` stands in the bytes.
    package static func count(of byte: UInt8, in bytes: borrowing Span<UInt8>) -> Int {
        bytes.withUnsafeBytes { raw in
            var count = 0
            var index = 0
            while index + 8 <= raw.count {
                let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                count += matches(byte, in: word).nonzeroBitCount
                index += 8
            }
            while index < raw.count {
                if raw[index] == byte { count += 1 }
                index += 1
            }
            return count
        }
    }
}
