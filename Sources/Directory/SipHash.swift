// SPDX-License-Identifier: Apache-2.0

/// SipHash-2-4 with a 128-bit key and a 128-bit result (Aumasson and Bernstein, 2012): a keyed hash for
/// what must be recognised again in this process and mean nothing outside of it.
///
/// Written here because authd links no cryptographic library beside crypt(3), and a pseudo-random
/// function under a key that never leaves memory is all that is needed.
package struct SipHash: Sendable {
    private let key: (UInt64, UInt64)

    /// A key of 16 octets.
    package init(key: [UInt8]) {
        precondition(key.count == 16)
        self.key = (Self.word(key[0..<8]), Self.word(key[8..<16]))
    }

    /// The hash of the bytes.
    package func hash(_ bytes: [UInt8]) -> UInt128 {
        var state = State(key)
        let whole = bytes.count & ~7
        for start in stride(from: 0, to: whole, by: 8) {
            state.absorb(Self.word(bytes[start..<start + 8]))
        }
        state.absorb(Self.word(bytes[whole...]) | UInt64(truncatingIfNeeded: bytes.count) << 56)
        return state.finish()
    }

    /// The hash of several parts; where one ends and the next begins counts.
    package func hash(parts: [[UInt8]]) -> UInt128 {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parts.reduce(0) { $0 + $1.count + 8 })
        for part in parts {
            for shift in stride(from: 0, to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: part.count >> shift))
            }
            bytes += part
        }
        return hash(bytes)
    }

    /// Up to eight octets, the first lowest.
    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private struct State {
        private var v0, v1, v2, v3: UInt64

        init(_ key: (UInt64, UInt64)) {
            v0 = key.0 ^ 0x736f_6d65_7073_6575
            v1 = key.1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
            v2 = key.0 ^ 0x6c79_6765_6e65_7261
            v3 = key.1 ^ 0x7465_6462_7974_6573
        }

        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finish() -> UInt128 {
            v2 ^= 0xee
            for _ in 0..<4 { round() }
            let low = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xdd
            for _ in 0..<4 { round() }
            return UInt128(v0 ^ v1 ^ v2 ^ v3) << 64 | UInt128(low)
        }

        private mutating func round() {
            v0 &+= v1
            v1 = v1 << 13 | v1 >> 51
            v1 ^= v0
            v0 = v0 << 32 | v0 >> 32
            v2 &+= v3
            v3 = v3 << 16 | v3 >> 48
            v3 ^= v2
            v0 &+= v3
            v3 = v3 << 21 | v3 >> 43
            v3 ^= v0
            v2 &+= v1
            v1 = v1 << 17 | v1 >> 47
            v1 ^= v2
            v2 = v2 << 32 | v2 >> 32
        }
    }
}
