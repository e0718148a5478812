// SPDX-License-Identifier: Apache-2.0

/// Why a stream cannot go on.
package enum StreamError: Error, Equatable {
    /// The deadline passed.
    case timedOut
    /// ``ByteStream/interrupt()`` was called, as the worker is about to stop.
    case interrupted
    /// The peer closed or reset the connection.
    case closedByPeer
    case system(SystemError)
    /// The peer does not speak the protocol that was to come before ours.
    case malformed(String)
    /// The TLS library's words.
    case tls(String)

    /// For the log.
    package var words: String {
        switch self {
        case .timedOut: "timed out"
        case .interrupted: "the worker stops"
        case .closedByPeer: "closed by the peer"
        case .system(let error): error.description
        case .malformed(let text), .tls(let text): text
        }
    }
}

/// A connection to a peer, plain or encrypted: what the conversations know of the network.
@MainActor
package protocol ByteStream: AnyObject {
    /// Who is at the other end.
    var peer: SocketAddress { get }
    /// Which of our addresses the peer came to.
    var local: SocketAddress { get }

    /// Sends what is pending if no input is at hand, then waits for input.
    ///
    /// - Parameters:
    ///   - deadline: For both.
    ///   - body: Called once with the bytes that came, which are valid only inside.
    /// - Returns: False at the end of the stream.
    /// - Throws: `StreamError` when it cannot go on.
    func read(
        until deadline: Deadline, into body: (Span<UInt8>) -> Void
    ) async throws(StreamError) -> Bool

    /// Adds to what is pending; it goes out with the next ``read(until:into:)`` or ``flush(until:)``.
    func enqueue(_ bytes: [UInt8])
    func enqueue(_ text: String)

    /// Octets that were enqueued and not sent yet.
    var pendingCount: Int { get }

    /// Sends all that is pending.
    func flush(until deadline: Deadline) async throws(StreamError)

    /// Sends all that is pending, and under TLS that no more comes (close_notify, RFC 8446 §6.1); ``close()`` follows.
    func finish(until deadline: Deadline) async throws(StreamError)

    /// Ends a wait for input: ``read(until:into:)`` throws `.interrupted`, now or when it would have to wait.
    func interrupt()

    /// Ends the connection at once; what is pending is lost.
    func close()
}
