// SPDX-License-Identifier: Apache-2.0
package import Common

/// Lets clients in, and ends everything in order when the worker is to end; it knows no protocol.
///
/// It accepts, believes trusted proxies, asks authd whether the client may come in, and shakes hands where TLS
/// comes first.
package final class Gate {
    /// Why a client is turned away.
    nonisolated package enum Refusal: Equatable, Sendable {
        /// authd says so, for so many seconds; 0 when only other connections' end would help.
        case blocked(seconds: Int, reason: BlockReason)
        /// This worker has as many connections as it may have.
        case full
        /// authd does not answer.
        case unavailable
    }

    /// What differs between protocols.
    package struct Trade {
        /// Serves one client to the end and returns its command errors, which authd counts.
        package var converse: (Visitor) async -> Int
        /// The line that a client hears who is turned away.
        package var words: (Refusal) -> String

        package init(
            converse: @escaping (Visitor) async -> Int, words: @escaping (Refusal) -> String
        ) {
            self.converse = converse
            self.words = words
        }
    }

    /// Open connections.
    package private(set) var count = 0
    /// Set when the worker is to end: conversations end when they can.
    package private(set) var ending: Worker.Ending?

    private let worker: Worker
    private let accounts: AccountClient
    private let limit: Int
    private let handshakeSeconds: Double
    private var listeners: [Listener] = []
    private var visitors: [ObjectIdentifier: Visitor] = [:]

    /// Nobody is let in before ``open(_:trade:)``.
    ///
    /// - Parameters:
    ///   - worker: Whose orders to end are obeyed from now on.
    ///   - accounts: The way to authd.
    ///   - limit: Connections that this worker may have at once.
    ///   - handshakeSeconds: For a PROXY header, and for a TLS handshake.
    package init(
        worker: Worker, accounts: AccountClient, limit: Int, handshakeSeconds: Double
    ) {
        self.worker = worker
        self.accounts = accounts
        self.limit = limit
        self.handshakeSeconds = handshakeSeconds
        // The gate lives as long as the worker.
        worker.onEnding = { self.end($0) }
    }

    /// Accepts on the worker's next inherited socket, until the worker ends.
    ///
    /// - Parameters:
    ///   - settings: What that socket is for.
    ///   - context: For TLS; nil where the group has no certificate.
    ///   - trade: The protocol.
    package func open(_ settings: ListenerSettings, context: TLSContext?, trade: Trade) {
        let listener = worker.takeListener()
        listeners.append(listener)
        let door = Door(settings: settings, context: context, trade: trade)
        Task {
            do throws(SystemError) {
                try await listener.accept(while: { count < limit }) { connection in
                    count += 1
                    Task { await self.welcome(connection, door) }
                }
            } catch {
                // Nothing that this worker could mend; master starts another one.
                Log.write(.error, "listener.failed", ["address": settings.address, "error": error])
                worker.fail()
            }
        }
    }

    /// One listener; an object, because thousands of waiting tasks hold it.
    private final class Door {
        let settings: ListenerSettings
        let context: TLSContext?
        let trade: Trade

        init(settings: ListenerSettings, context: TLSContext?, trade: Trade) {
            self.settings = settings
            self.context = context
            self.trade = trade
        }
    }

    /// Waits for nothing but the conversation itself: what a task holds while it waits is the price of an idle client.
    private func welcome(_ connection: consuming Connection, _ door: Door) async {
        Counter.accepted.add()
        Counter.connections.set(count)
        if let visitor = await admit(connection, door) {
            leave(visitor, commandErrors: await door.trade.converse(visitor))
        }
        count -= 1
        Counter.connections.set(count)
        if ending != nil, count == 0 { worker.finish() }
    }

    private func leave(_ visitor: Visitor, commandErrors: Int) {
        visitors[ObjectIdentifier(visitor)] = nil
        visitor.stream.close()
        tellGone(visitor.stream.peer.host, visitor.settings, commandErrors)
    }

    private func tellGone(_ client: String, _ settings: ListenerSettings, _ commandErrors: Int) {
        accounts.tell(
            .disconnected(client: client, service: settings.name, commandErrors: commandErrors))
    }

    private func admit(_ connection: Connection, _ door: Door) async -> Visitor? {
        let deadline = Deadline.seconds(handshakeSeconds)
        let settings = door.settings
        guard count <= limit else {
            await turnAway(connection, .full, settings, door.trade)
            return nil
        }
        if settings.proxyProtocol.contains(connection.peer) {
            do throws(StreamError) {
                try await connection.readProxyHeader(until: deadline)
            } catch {
                Log.write(
                    .warning, "proxy.refused", ["proxy": connection.peer, "error": error.words])
                connection.close()
                return nil
            }
        }
        let client = connection.peer.host
        let question = AccountQuestion.connection(client: client, service: settings.name)
        let refusal: Refusal
        switch await accounts.ask(question) {
        case .allowed:
            guard let visitor = await secure(connection, door, until: deadline) else {
                tellGone(client, settings, 0)
                return nil
            }
            visitors[ObjectIdentifier(visitor)] = visitor
            return visitor
        case .blocked(let seconds, let reason):
            refusal = .blocked(seconds: seconds, reason: reason)
        default: refusal = .unavailable
        }
        await turnAway(connection, refusal, settings, door.trade)
        return nil
    }

    // Not inlined, as is the next: their locals would take room in the task for as long as the client stays.
    @inline(never)
    private func secure(
        _ connection: Connection, _ door: Door, until deadline: Deadline
    ) async -> Visitor? {
        let settings = door.settings
        guard settings.implicitTLS else {
            return Visitor(connection, settings, door.context, handshakeSeconds)
        }
        guard let context = door.context else {
            connection.close()
            return nil
        }
        do throws(StreamError) {
            let stream = try await TLSStream.accept(
                over: connection, context: context, until: deadline)
            Counter.handshakes.add()
            return Visitor(stream, settings, handshakeSeconds)
        } catch {
            Counter.handshakesFailed.add()
            Log.write(
                .info, "tls.failed",
                ["client": connection.peer.host, "service": settings.name, "error": error.words])
            return nil
        }
    }

    @inline(never)
    private func turnAway(
        _ connection: Connection, _ refusal: Refusal, _ settings: ListenerSettings, _ trade: Trade
    ) async {
        Counter.refused.add()
        Log.write(
            .notice, "client.refused",
            [
                "client": connection.peer.host, "service": settings.name,
                "reason": refusal.word,
            ])
        // Under implicit TLS a plain line would only puzzle the client.
        if !settings.implicitTLS {
            connection.enqueue(trade.words(refusal) + "\r\n")
            do throws(StreamError) {
                try await connection.flush(until: .seconds(1))
            } catch {
                Log.write(.debug, "client.gone", ["client": connection.peer.host])
            }
        }
        connection.close()
    }

    private func end(_ ending: Worker.Ending) {
        self.ending = ending
        listeners.forEach { $0.close() }
        if count == 0 { worker.finish() }
        guard ending == .stop else { return }
        for visitor in visitors.values { visitor.stream.interrupt() }
        Task {
            // master would kill us a little later.
            await sleep(until: .seconds(3))
            Log.write(.warning, "worker.cut-short", ["connections": count])
            worker.finish()
        }
    }
}

extension Gate.Refusal {
    /// A stable word for the log.
    nonisolated package var word: String {
        switch self {
        case .blocked(_, let reason): reason.word
        case .full: "full"
        case .unavailable: "authd-unavailable"
        }
    }
}
