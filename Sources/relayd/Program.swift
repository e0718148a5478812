// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// relayd from its start to its end.
enum Program {
    /// Does one half of relayd's work, which the first argument names, until master says that it is enough.
    ///
    /// - Parameter worker: What master has given us.
    /// - Throws: Whatever keeps relayd from working at all; master shows it and tries again.
    static func run(_ worker: Worker) async throws {
        if CommandLine.arguments.dropFirst().first == "transmit" {
            try await transmit(worker)
        } else {
            try await deliver(worker)
        }
    }

    private static func transmit(_ worker: Worker) async throws {
        let slice = try TransmitSlice(bytes: worker.slice)
        umask(0o007)
        let transmit = try Transmit(slice)
        // Name servers, trusted roots and the interfaces' addresses are read by now. In queue/local it may only make
        // entries: its user's rights see to that, and where all is one user nothing could.
        try Sandbox(
            paths: [
                (
                    QueueLayout.path(root: slice.root),
                    [.read, .list, .create, .write, .remove, .move]
                )
            ], calls: [.files, .connect]
        ).enter()
        worker.onEnding = { ending in
            transmit.stop()
            guard ending == .stop else { return }
            Task {
                // master would kill us a little later; what is in mid-air is sent again after the next start.
                await sleep(until: .seconds(3))
                Log.write(.warning, "worker.cut-short", ["entries": transmit.jobs])
                worker.finish()
            }
        }
        worker.ready()
        await transmit.run()
        worker.finish()
    }

    private static func deliver(_ worker: Worker) async throws {
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
