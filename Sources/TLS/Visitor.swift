// SPDX-License-Identifier: Apache-2.0
package import Common

/// A client that was let in: its connection, and what the listener that it came to says of it.
package final class Visitor {
    /// The way to the client; another one after ``startTLS()``.
    package private(set) var stream: any ByteStream
    /// What was agreed on, once TLS is on.
    package private(set) var facts: TLSFacts?
    package let settings: ListenerSettings

    private let context: TLSContext?
    private var connection: Connection?
    private let handshakeSeconds: Double

    init(
        _ connection: Connection, _ settings: ListenerSettings, _ context: TLSContext?,
        _ handshakeSeconds: Double
    ) {
        stream = connection
        self.connection = connection
        self.settings = settings
        self.context = context
        self.handshakeSeconds = handshakeSeconds
    }

    init(_ stream: TLSStream, _ settings: ListenerSettings, _ handshakeSeconds: Double) {
        self.stream = stream
        facts = stream.facts
        self.settings = settings
        context = nil
        self.handshakeSeconds = handshakeSeconds
    }

    /// Whether ``startTLS()`` can be offered.
    package var canStartTLS: Bool { context != nil && connection != nil }

    /// Sends what is pending, then shakes hands on the plain connection.
    ///
    /// - Returns: What was agreed on.
    /// - Throws: `StreamError`; the connection is closed then.
    package func startTLS() async throws(StreamError) -> TLSFacts {
        guard let connection, let context else {
            stream.close()
            throw .tls("no certificate")
        }
        let deadline = Deadline.seconds(handshakeSeconds)
        try await connection.flush(until: deadline)
        self.connection = nil
        let secured = try await TLSStream.accept(
            over: connection, context: context, until: deadline)
        Counter.handshakes.add()
        stream = secured
        facts = secured.facts
        return secured.facts
    }
}
