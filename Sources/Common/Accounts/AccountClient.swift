// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A worker's side of the questions to authd.
///
/// Questions go out at once and are answered in any order. When authd is restarted, what waits is asked
/// again of the new one, and it is told which connections are open. Whoever gets no answer in time gets
/// `.unavailable`, which is a temporary refusal: nobody is let in because authd is away.
@MainActor
package final class AccountClient {
    /// So many questions may wait; further ones are not asked.
    private static let pendingLimit = 20_000
    /// How long authd may be away before ``onAbandoned`` is called.
    private static let abandonedAfter = 30.0

    /// Called when authd has been away for long, as it is for a worker that it has dropped for sending
    /// garbage; such a worker does best to end, since master starts a new one.
    package var onAbandoned: (() -> Void)?

    private let patience: Double
    private typealias Asker = UnsafeContinuation<AccountAnswer, Never>
    private var exchange = AccountExchange<Asker>()
    private var cache = AnswerCache()
    private var link: SeqpacketLink?
    private var lostAt: Deadline?
    private var isWatching = false

    /// Connected to nobody yet.
    ///
    /// - Parameter patience: Seconds that a question may wait; longer than authd lets a login wait for its turn.
    package init(patience: Double = 20) { self.patience = patience }

    /// Whether there is an authd to talk to.
    package var isConnected: Bool { link != nil }

    /// Takes over a socket to authd in place of the one before; called again when authd was restarted.
    package func connect(_ descriptor: consuming FileDescriptor) {
        link?.close()
        lostAt = nil
        do throws(SystemError) {
            let link = try SeqpacketLink(descriptor)
            self.link = link
            exchange.lost()
            for datagram in exchange.greeting() { link.send(datagram) }
            Task { await listen(to: link) }
        } catch {
            Log.write(.error, "accounts.connect-failed", ["error": error])
            lose(nil)
        }
    }

    /// Asks authd and waits for its answer; what has no answer is told, and answered `.allowed` here.
    package func ask(_ question: AccountQuestion) async -> AccountAnswer {
        guard question.hasAnswer else {
            tell(question)
            return .allowed
        }
        if let answer = cache.answer(to: question, now: .now) { return answer }
        guard exchange.count < Self.pendingLimit else { return .unavailable }
        let answer = await withUnsafeContinuation { continuation in
            do throws(AccountCodecError) {
                let datagram = try exchange.ask(
                    question, asker: continuation, deadline: .seconds(patience))
                link?.send(datagram)
                watch()
            } catch {
                // Names of more than 64 KiB: nobody is called that.
                continuation.resume(returning: Self.answer(toOversized: question))
            }
        }
        cache.remember(answer, to: question, now: .now)
        return answer
    }

    /// Tells authd what has no answer.
    package func tell(_ question: AccountQuestion) {
        do throws(AccountCodecError) {
            link?.send(try exchange.tell(question))
        } catch {
            Log.write(.error, "accounts.untold", ["question": question])
        }
    }

    private static func answer(toOversized question: AccountQuestion) -> AccountAnswer {
        switch question {
        case .login: .wrongPassword
        case .recipient, .domain: .notLocal
        case .sender: .notAllowed
        default: .unavailable
        }
    }

    private func listen(to link: SeqpacketLink) async {
        while let datagram = await link.receive() {
            // A newer link has taken over; its answers count.
            guard self.link === link else { return }
            do throws(AccountCodecError) {
                let (id, answer) = try AccountCodec.decodeAnswer(datagram)
                switch exchange.received(answer, id: id) {
                case .deliver(let answer, let asker): asker.resume(returning: answer)
                case .retract(let client, let service):
                    tell(.disconnected(client: client, service: service, commandErrors: 0))
                case .ignore: break
                }
            } catch {
                Log.write(.error, "accounts.answer-unreadable", ["error": error])
                break
            }
        }
        lose(link)
    }

    private func lose(_ lost: SeqpacketLink?) {
        guard link === lost || lost == nil else { return }
        lost?.close()
        link = nil
        lostAt = .now
        Log.write(
            .warning, "accounts.lost",
            ["waiting": exchange.count, "hint": "master starts a new authd"])
        exchange.lost()
        watch()
    }

    /// Runs while somebody waits or authd is away: an idle worker is never woken for this.
    private func watch() {
        guard !isWatching else { return }
        isWatching = true
        Task {
            while lostAt != nil || exchange.nextDeadline != nil {
                await sleep(until: .seconds(1))
                for asker in exchange.expire(now: .now) { asker.resume(returning: .unavailable) }
                if let lostAt, Deadline.now.seconds(since: lostAt) > Self.abandonedAfter {
                    self.lostAt = nil
                    onAbandoned?()
                }
            }
            isWatching = false
        }
    }
}
