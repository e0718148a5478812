// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// relayd from its start to its end.
enum Program {
    /// Delivers until master says that it is enough.
    ///
    /// - Parameter worker: What master has given us.
    /// - Throws: Whatever keeps relayd from working at all; master shows it and tries again.
    static func run(_ worker: Worker) async throws {
        let slice = try DeliverSlice(bytes: worker.slice)
        // New folders get their parent's permissions from mkdir alone: see Maildir.makeFolders.
        umask(0o007)
        try sandbox(slice).enter()
        let deliver = try Deliver(root: slice.root, host: slice.hostname)
        worker.onEnding = { _ in deliver.stop() }
        worker.ready()
        await deliver.run()
        worker.finish()
    }

    /// The queue and the mailboxes, and nothing else.
    ///
    /// Both with the same rights: where a file would gain or lose some by a rename, Landlock answers EXDEV, and
    /// each delivery would silently become a copy.
    private static func sandbox(_ slice: DeliverSlice) -> Sandbox {
        let rights: Sandbox.Rights = [.read, .list, .create, .write, .remove, .makeFolder, .move]
        return Sandbox(
            paths: [
                ("\(slice.root)/\(QueueLayout.queue)", rights),
                ("\(slice.root)/\(Maildir.accounts)", rights),
            ], calls: .files)
    }
}
