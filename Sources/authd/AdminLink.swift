// SPDX-License-Identifier: Apache-2.0
import Common

/// An operator's command, which master let in: one request, its answer, the end.
///
/// Requests are `list`, `clear ADDRESS` and `clear all`. The answer is a datagram of JSON for each block or the number
/// of those that were ended, and `end`.
final class AdminLink {
    private let link: SeqpacketLink
    private let books: Books

    /// Takes over the socket.
    ///
    /// - Throws: `SystemError` when it cannot be registered with the event loop.
    init(_ descriptor: consuming FileDescriptor, _ books: Books) throws(SystemError) {
        link = try SeqpacketLink(descriptor)
        self.books = books
    }

    /// Answers until the operator goes.
    func serve() async {
        while let request = await link.receive() {
            answer(String(decoding: request.prefix(200), as: UTF8.self))
            send("end")
        }
        link.close()
    }

    private func answer(_ request: String) {
        let words = request.split(separator: " ").map(String.init)
        let now = Deadline.now
        switch words.first {
        case "list":
            for block in books.ledger.blocks(now: now) {
                let json: JSON = [
                    "network": .string(block.client.description),
                    "reason": .string(block.reason.word), "oneUser": .boolean(block.isOfOneUser),
                    "seconds": .integer(block.seconds),
                ]
                send(json.compact)
            }
        case "clear" where words.count == 2:
            let address = SocketAddress(words[1], port: 0)
            guard words[1] == "all" || address != nil else {
                return send("{\"error\":\"that is no address\"}")
            }
            let count = books.ledger.clearBlocks(of: address.map { ClientNetwork($0) }, now: now)
            Counter.blocked.set(books.ledger.blocks(now: now).count)
            Log.write(.notice, "client.unblocked", ["client": words[1], "blocks": count])
            send("{\"cleared\":\(count)}")
        default: send("{\"error\":\"unknown request\"}")
        }
    }

    private func send(_ text: String) {
        link.send(Array(text.utf8))
    }
}
