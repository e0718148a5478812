// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// The numbers of one process as they lie in its page: a file of 4096 octets in the run folder.
///
/// The process maps it and adds; everybody else reads it with pread(2), so that no process can harm another by
/// truncating its page. Numbers are 64-bit, in the machine's order: 32 for ``Facts``, then the counters.
package struct CounterPage: Equatable, Sendable {
    /// What master writes in front, before the process has the page.
    package struct Facts: Equatable, Sendable {
        /// Of the process.
        package var process: Int
        /// Seconds since 1970.
        package var started: Int
        /// Which reading of the configuration it serves.
        package var generation: Int
        /// Counts processes that master has started; no two have the same.
        package var sequence: Int

        package init(process: Int, started: Int, generation: Int, sequence: Int) {
            self.process = process
            self.started = started
            self.generation = generation
            self.sequence = sequence
        }
    }

    /// "wmail" and the format's number.
    private static let mark: UInt64 = 0x0001_6C69_616D_7700

    package let facts: Facts
    private let counters: [UInt64]

    /// A counter's number.
    package subscript(counter: Counter) -> Int {
        Int(truncatingIfNeeded: counters[counter.rawValue])
    }

    /// Reads a page; nil for a file that is none, or of another format.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Int(WM_COUNTER_PAGE) else { return nil }
        let words = bytes.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
        guard words[0] == Self.mark else { return nil }
        facts = Facts(
            process: Int(truncatingIfNeeded: words[1]), started: Int(truncatingIfNeeded: words[2]),
            generation: Int(truncatingIfNeeded: words[3]),
            sequence: Int(truncatingIfNeeded: words[4]))
        counters = Array(words[Int(WM_COUNTER_FIRST)...])
    }

    /// An empty page with its facts, as octets.
    package static func blank(_ facts: Facts) -> [UInt8] {
        var words = [UInt64](repeating: 0, count: Int(WM_COUNTER_PAGE) / 8)
        words[0] = mark
        for (index, value) in [
            facts.process, facts.started, facts.generation, facts.sequence,
        ].enumerated() {
            words[index + 1] = UInt64(max(0, value))
        }
        return words.withUnsafeBytes { Array($0) }
    }

    /// From now on this process counts in the page; what it has counted so far goes there.
    ///
    /// - Throws: `SystemError` of mmap(2).
    package static func use(_ descriptor: borrowing FileDescriptor) throws(SystemError) {
        let number = descriptor.number
        try check("mmap", on: "the page of counters") { wm_share_counters(number) }
    }
}
