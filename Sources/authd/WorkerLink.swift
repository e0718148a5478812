// SPDX-License-Identifier: Apache-2.0
import Common

/// One worker's socket: its questions in, the answers out.
final class WorkerLink {
    private let worker: String
    private let link: SeqpacketLink
    private let answers: Answers
    private var visitors = Visitors()

    /// Takes over a worker's socket.
    ///
    /// - Throws: `SystemError` when it cannot be registered with the event loop.
    init(
        worker: String, descriptor: consuming FileDescriptor, answers: Answers
    ) throws(SystemError) {
        self.worker = worker
        self.answers = answers
        link = try SeqpacketLink(descriptor)
    }

    /// Serves until the worker ends or sends what is no question.
    ///
    /// A worker reads from the network, so it may have been taken over: nothing that it sends may do more
    /// than end its own link.
    func serve() async {
        while let datagram = await link.receive() {
            do throws(AccountCodecError) {
                try await take(datagram)
            } catch {
                Log.write(
                    .error, "accounts.question-unreadable",
                    [
                        "worker": worker, "error": error,
                        "hint": "the worker is cut off; it ends and master starts a new one",
                    ])
                break
            }
        }
        link.close()
        answers.dismissAll(visitors)
        visitors = Visitors()
    }

    private func take(_ datagram: [UInt8]) async throws(AccountCodecError) {
        let (id, question) = try AccountCodec.decodeQuestion(datagram)
        if case .login(let group, let user, let password, let client, let service) = question {
            Task {
                let answer = await answers.answer(
                    login: (group, user, password), client: client, service: service)
                send(answer, id)
            }
        } else if let answer = answers.answer(question, &visitors) {
            send(answer, id)
        }
    }

    private func send(_ answer: AccountAnswer, _ id: UInt32) {
        do throws(AccountCodecError) {
            link.send(try AccountCodec.encode(answer, id: id))
        } catch {
            // The worker's question runs into its bound, which is a temporary refusal.
            Log.write(.error, "accounts.answer-too-long", ["worker": worker])
        }
    }
}
