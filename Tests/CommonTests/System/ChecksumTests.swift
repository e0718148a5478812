// SPDX-License-Identifier: Apache-2.0
import CLinux
import Testing

@Suite struct ChecksumTests {
    /// The vectors of RFC 3720 B.4, and the usual check value.
    @Test(
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            ([UInt8](0..<32), 0x46DD_794E),
            ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
            (Array("123456789".utf8), 0xE306_9283),
            ([], 0),
        ] as [([UInt8], UInt32)])
    func vectors(bytes: [UInt8], expected: UInt32) {
        #expect(wm_crc32c(0, bytes, bytes.count) == expected)
    }

    @Test func inParts() {
        let bytes = [UInt8](0..<200)
        let whole = wm_crc32c(0, bytes, bytes.count)
        for cut in bytes.indices {
            let first = wm_crc32c(0, Array(bytes[..<cut]), cut)
            #expect(wm_crc32c(first, Array(bytes[cut...]), bytes.count - cut) == whole)
        }
    }
}
