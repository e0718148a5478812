// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy
import SMTP
import TLS

/// A connection to another server: the one loop that carries out what the ``ClientSession`` wants.
final class RemoteConnection {
    let host: RemoteHost
    /// Transactions that went over it.
    private(set) var transactions = 0
    /// Whether another transaction can begin.
    private(set) var isUsable = false
    /// Since when it has had nothing to do.
    var idleSince = Deadline.now

    private let demands: ConnectionDemands
    private let context: TLSClientContext
    private var session: ClientSession
    private var stream: any ByteStream
    private var plain: Connection?
    private var secured: TLSStream?

    /// Octets of a message that are read, encoded and sent at a time.
    nonisolated static let partSize = 128 << 10
    /// Seconds for the server to take each part (RFC 5321 §4.5.3.2.5).
    nonisolated private static let partSeconds = 180.0

    /// Connects, greets, encrypts and logs in.
    ///
    /// - Parameters:
    ///   - host: Where to.
    ///   - demands: What the connection must be like.
    ///   - name: What we call ourselves.
    ///   - source: Our address to come from.
    ///   - context: For TLS.
    /// - Returns: A usable connection.
    /// - Throws: ``Refused``; nothing is left open.
    static func open(
        _ host: RemoteHost, _ demands: ConnectionDemands, name: String, from source: SocketAddress?,
        context: TLSClientContext
    ) async throws(Refused) -> RemoteConnection {
        let connection: Connection
        do throws(StreamError) {
            connection = try await Connector.connect(
                to: host.address, from: source, until: .seconds(demands.connectTimeout))
        } catch {
            throw Refused(
                Outcome(
                    .temporary, EnhancedStatus(.temporary, 4, 1), at: .connection,
                    "connect to \(host): \(error.words)"), host: host)
        }
        let remote = RemoteConnection(
            host, demands, context, connection, demands.session(with: host, name: name))
        do throws(StreamError) {
            if host.protection == .implicit { try await remote.shakeHands() }
        } catch {
            throw Refused(
                Outcome(
                    .temporary, EnhancedStatus(.temporary, 7, 5), at: .tls,
                    "TLS with \(host): \(error.words)"), host: host)
        }
        if let trouble = await remote.talkUntilReady() {
            throw Refused(trouble, host: host)
        }
        return remote
    }

    /// The connection did not come about, or not as demanded.
    nonisolated struct Refused: Error {
        let outcome: Outcome
        /// nil when it did not come so far.
        let host: RemoteHost?

        init(_ outcome: Outcome, host: RemoteHost?) {
            self.outcome = outcome
            self.host = host
        }
    }

    private init(
        _ host: RemoteHost, _ demands: ConnectionDemands, _ context: TLSClientContext,
        _ connection: Connection, _ settings: ClientSettings
    ) {
        self.host = host
        self.demands = demands
        self.context = context
        session = ClientSession(settings: settings)
        stream = connection
        plain = connection
    }

    /// TLS version and cipher; empty without TLS.
    var tls: String {
        secured.map { "\($0.facts.version) \($0.facts.cipher)" } ?? ""
    }

    /// What the server offers.
    var extensions: PeerExtensions { session.extensions }
    /// The most recipients of one transaction.
    var recipientLimit: Int { session.recipientLimit }

    /// Whether it has carried as many messages as it may.
    func isUsedUp(_ settings: TransmitSettings) -> Bool {
        transactions >= min(settings.maxMessagesPerConnection, extensions.messageLimit ?? .max)
    }

    /// Sends a message to some recipients.
    ///
    /// - Parameters:
    ///   - transaction: Its envelope.
    ///   - letter: Its content.
    /// - Returns: One outcome for each recipient, in their order. See ``isUsable`` whether the connection goes on.
    func transact(_ transaction: ClientTransaction, _ letter: Letter) async -> [Outcome] {
        transactions += 1
        session.begin(transaction)
        var outcomes: [Outcome] = []
        var timer = WaitTimer()
        while true {
            switch session.next() {
            case .settled(let settled): outcomes = settled
            case .ready:
                return outcomes
            case .content:
                if let trouble = await send(letter) {
                    // What the server said before it hung up says more than that it did.
                    await hearLastWords()
                    session.ended(trouble)
                } else {
                    session.contentSent()
                }
            case .close:
                close()
                return outcomes
            case let step:
                await carryOut(step, &timer)
            }
        }
    }

    /// Says goodbye and closes.
    func quit() async {
        if isUsable, let secured {
            context.remember(secured, host: host.name, trust: demands.trust)
        }
        isUsable = false
        session.quit()
        var timer = WaitTimer()
        while true {
            let step = session.next()
            if case .close = step { return close() }
            await carryOut(step, &timer)
        }
    }

    /// Ends at once.
    func close() {
        isUsable = false
        stream.close()
    }

    /// Ends a wait at once, when the worker has no more time.
    func interrupt() { stream.interrupt() }

    // MARK: Steps

    /// - Returns: Why it did not become ready.
    private func talkUntilReady() async -> Outcome? {
        var timer = WaitTimer()
        while true {
            switch session.next() {
            case .ready:
                isUsable = true
                return nil
            case .close(let outcome):
                close()
                return outcome
                    ?? Outcome(
                        .temporary, EnhancedStatus(.temporary, 4, 2), at: .connection,
                        "the connection ended")
            case let step:
                await carryOut(step, &timer)
            }
        }
    }

    private func carryOut(_ step: ClientStep, _ timer: inout WaitTimer) async {
        do throws(StreamError) {
            switch step {
            case .send(let bytes): stream.enqueue(bytes)
            case .wait(let wait): try await hear(timer.deadline(wait, demands.seconds(wait)))
            case .startTLS:
                try await shakeHands()
                session.tlsStarted()
            case .ready, .content, .settled, .close: break
            }
            if case .wait = step {} else { timer.reset() }
        } catch {
            session.ended("\(host): \(error.words)")
        }
    }

    private func hear(_ deadline: Deadline) async throws(StreamError) {
        let isOpen = try await stream.read(until: deadline) { session.receive($0) }
        if !isOpen { throw .closedByPeer }
    }

    private func shakeHands() async throws(StreamError) {
        guard let plain else { throw .tls("TLS is on already") }
        let deadline = Deadline.seconds(demands.replyTimeout)
        try await plain.flush(until: deadline)
        self.plain = nil
        let secured = try await context.connect(
            over: plain, host: host.name, trust: demands.trust, until: deadline)
        self.secured = secured
        stream = secured
    }

    /// - Returns: Why it could not be sent.
    private func send(_ letter: Letter) async -> String? {
        var stuffing = DotStuffing()
        var position = letter.start
        do throws(StreamError) {
            while true {
                var encoded: [UInt8] = []
                encoded.reserveCapacity(Self.partSize + 1024)
                let part: [UInt8]
                do throws(SystemError) {
                    part = try await letter.part(at: position)
                } catch {
                    close()
                    return "the message cannot be read: \(error)"
                }
                position += part.count
                stuffing.encode(part.span, into: &encoded)
                if position >= letter.end || part.isEmpty {
                    stuffing.finish(into: &encoded)
                    // The session itself sends the dot.
                    encoded.removeLast(3)
                    stream.enqueue(encoded)
                    return nil
                }
                stream.enqueue(encoded)
                try await stream.flush(until: .seconds(Self.partSeconds))
            }
        } catch {
            return "\(host): \(error.words)"
        }
    }

    private func hearLastWords() async {
        do throws(StreamError) {
            try await hear(.seconds(1))
        } catch {
            Log.write(.debug, "relay.no-last-words", ["host": host, "error": error.words])
        }
    }
}

/// How long a wait may go on: so long from the last octets, and three times as long in all.
///
/// So a server that answers line by line has its time for each, and one that trickles has an end.
nonisolated private struct WaitTimer {
    private var latest: Deadline?
    private var wait: ClientWait?

    mutating func deadline(_ wait: ClientWait, _ seconds: Double) -> Deadline {
        if self.wait != wait { reset() }
        self.wait = wait
        let limit = latest ?? .seconds(3 * seconds)
        latest = limit
        return min(limit, .seconds(seconds))
    }

    mutating func reset() {
        latest = nil
        wait = nil
    }
}
