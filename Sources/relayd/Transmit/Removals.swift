// SPDX-License-Identifier: Apache-2.0

/// The entries that are being removed, as everybody has the message.
///
/// Each was sent, and would be sent again if we were killed or cut off from the disk; so they must not pile up where the
/// disk is slower than the network.
final class Removals {
    private var count = 0
    private var waiting: [UnsafeContinuation<Void, Never>] = []

    /// An entry is about to be removed.
    func begin() { count += 1 }

    /// It is removed, or given up.
    func end() {
        count -= 1
        let waiting = waiting
        self.waiting = []
        waiting.forEach { $0.resume() }
    }

    /// Waits until they are no more than that.
    ///
    /// - Parameter limit: Asked again after each that ends; nil when nobody shall wait any more.
    func wait(for limit: () -> Int?) async {
        while let limit = limit(), count > limit {
            await withUnsafeContinuation { waiting.append($0) }
        }
    }
}
