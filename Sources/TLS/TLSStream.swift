// SPDX-License-Identifier: Apache-2.0
import COpenSSL
package import Common
import Glibc

/// What was agreed on in a handshake.
nonisolated package struct TLSFacts: Equatable, Sendable {
    /// Such as "TLSv1.3".
    package let version: String
    /// Such as "TLS_AES_256_GCM_SHA384".
    package let cipher: String
    package let bits: Int
    /// The host name that the client asked for (RFC 6066 §3).
    package let serverName: String?
    /// Whether an earlier session was resumed.
    package let isResumed: Bool

    package init(
        version: String, cipher: String, bits: Int, serverName: String?, isResumed: Bool
    ) {
        self.version = version
        self.cipher = cipher
        self.bits = bits
        self.serverName = serverName
        self.isResumed = isResumed
    }
}

/// A connection under TLS: libssl on the non-blocking socket.
package final class TLSStream: ByteStream {
    package let facts: TLSFacts
    private let connection: Connection
    private let context: AnyObject
    let session: OpaquePointer
    private var pending: [UInt8] = []
    private var isOpen = true
    private var isBroken = false
    private var isShutDown = false

    /// Borrowed by whoever reads; more than the largest record.
    private static let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 65_536)

    /// Shakes hands as the server; the connection is this stream's from now on, and closed when that fails.
    ///
    /// - Throws: `StreamError`; a client that speaks no TLS gives `.tls` with the library's words.
    package static func accept(
        over connection: Connection, context: TLSContext, until deadline: Deadline
    ) async throws(StreamError) -> TLSStream {
        guard let session = context.makeSession(), ConnectionBIO.attach(connection, to: session)
        else {
            connection.close()
            throw .tls(drainErrors())
        }
        return try await shakeHands(over: connection, context, session, deadline) {
            SSL_accept($0)
        }
    }

    /// Shakes hands with a session that is ready for it; both are freed and closed when that fails.
    static func shakeHands(
        over connection: Connection, _ context: AnyObject, _ session: OpaquePointer,
        _ deadline: Deadline, _ step: (OpaquePointer) -> Int32
    ) async throws(StreamError) -> TLSStream {
        do throws(StreamError) {
            while true {
                ERR_clear_error()
                let result = step(session)
                if result == 1 { break }
                try await settle(session, result, connection, deadline)
            }
        } catch {
            SSL_free(session)
            lastWords(connection)
            connection.close()
            throw error
        }
        return TLSStream(connection, context, session)
    }

    /// What the library still has to say, such as an alert, goes out if the socket takes it; nobody waits for that.
    private static func lastWords(_ connection: Connection) {
        do throws(StreamError) {
            _ = try connection.push()
        } catch {
            Log.write(.debug, "client.gone", ["client": connection.peer.host])
        }
    }

    private init(_ connection: Connection, _ context: AnyObject, _ session: OpaquePointer) {
        self.connection = connection
        self.context = context
        self.session = session
        let cipher = SSL_get_current_cipher(session)
        facts = TLSFacts(
            version: String(cString: SSL_get_version(session)),
            cipher: String(cString: SSL_CIPHER_get_name(cipher)),
            bits: Int(SSL_CIPHER_get_bits(cipher, nil)),
            serverName: SSL_get_servername(session, TLSEXT_NAMETYPE_host_name).map {
                String(cString: $0)
            },
            isResumed: SSL_session_reused(session) == 1)
    }

    isolated deinit {
        close()
        SSL_free(session)
    }

    package var peer: SocketAddress { connection.peer }
    package var local: SocketAddress { connection.local }
    package var pendingCount: Int { pending.count + connection.pendingCount }

    /// As with a plain connection, what takes room is in functions that do not wait.
    package func read(
        until deadline: Deadline, into body: (Span<UInt8>) -> Void
    ) async throws(StreamError) -> Bool {
        while true {
            switch try attempt(body) {
            case .came: return true
            case .ended: return false
            case .wants(let wish):
                if wish == .input, pendingCount > 0 { try await flush(until: deadline) }
                try await wait(for: wish, until: deadline)
            }
        }
    }

    private enum Attempt {
        case came, ended
        case wants(Wish)
    }

    /// What the library waits for.
    private enum Wish {
        case input, output
    }

    /// Reads if there is something.
    @inline(never)
    private func attempt(_ body: (Span<UInt8>) -> Void) throws(StreamError) -> Attempt {
        guard isOpen else { throw .closedByPeer }
        // Nothing is at hand here or there.
        guard connection.readiness.isReadable || SSL_has_pending(session) == 1 else {
            return .wants(.input)
        }
        ERR_clear_error()
        let count = SSL_read(session, Self.input.baseAddress, Int32(Self.input.count))
        if count > 0 {
            body(Self.input.extracting(..<Int(count)).span)
            return .came
        }
        if SSL_get_error(session, count) == SSL_ERROR_ZERO_RETURN { return .ended }
        return .wants(try wish(after: count))
    }

    package func enqueue(_ bytes: [UInt8]) {
        if pending.isEmpty { pending = bytes } else { pending += bytes }
    }

    package func enqueue(_ text: String) {
        pending.append(contentsOf: text.utf8)
    }

    @inline(never)
    package func flush(until deadline: Deadline) async throws(StreamError) {
        while let wish = try encrypt() { try await wait(for: wish, until: deadline) }
        try await connection.flush(until: deadline)
    }

    @inline(never)
    package func finish(until deadline: Deadline) async throws(StreamError) {
        while let wish = try encrypt() { try await wait(for: wish, until: deadline) }
        shutDown()
        try await connection.flush(until: deadline)
    }

    /// Hands what is pending to the library.
    ///
    /// - Returns: What must come before the rest; nil when that was all.
    @inline(never)
    private func encrypt() throws(StreamError) -> Wish? {
        var sent = 0
        while sent < pending.count {
            guard isOpen else { throw .closedByPeer }
            ERR_clear_error()
            let count = pending.withUnsafeBytes { bytes in
                SSL_write(
                    session, bytes.baseAddress?.advanced(by: sent),
                    Int32(min(bytes.count - sent, 1 << 20)))
            }
            if count <= 0 {
                let wish = try wish(after: count)
                pending.removeFirst(sent)
                return wish
            }
            sent += Int(count)
        }
        if sent > 0 { pending = [] }
        return nil
    }

    /// One-sided: nobody waits for the peer's close_notify.
    private func shutDown() {
        // After a fatal error the library must not be asked to (SSL_shutdown(3ssl)).
        guard !isBroken, !isShutDown else { return }
        isShutDown = true
        ERR_clear_error()
        SSL_shutdown(session)
    }

    package func interrupt() {
        connection.interrupt()
    }

    package func close() {
        guard isOpen else { return }
        isOpen = false
        pending = []
        shutDown()
        Self.lastWords(connection)
        connection.close()
    }

    private func wish(after result: Int32) throws(StreamError) -> Wish {
        do throws(StreamError) {
            return try Self.wish(session, result, connection)
        } catch {
            isBroken = true
            pending = []
            throw error
        }
    }

    private func wait(for wish: Wish, until deadline: Deadline) async throws(StreamError) {
        switch wish {
        case .input: try await connection.waitReadable(until: deadline)
        case .output: try await connection.waitWritable(until: deadline)
        }
    }

    /// Waits for what the library wants, or says why it cannot go on.
    private static func settle(
        _ session: OpaquePointer, _ result: Int32, _ connection: Connection, _ deadline: Deadline
    ) async throws(StreamError) {
        switch try wish(session, result, connection) {
        case .input:
            try await connection.flush(until: deadline)
            try await connection.waitReadable(until: deadline)
        case .output: try await connection.waitWritable(until: deadline)
        }
    }

    /// What the library wants, or why it cannot go on.
    private static func wish(
        _ session: OpaquePointer, _ result: Int32, _ connection: Connection
    ) throws(StreamError) -> Wish {
        let code = errno
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ: return .input
        case SSL_ERROR_WANT_WRITE: return .output
        case SSL_ERROR_ZERO_RETURN:
            throw .closedByPeer
        case SSL_ERROR_SYSCALL:
            let words = ERR_peek_error() == 0 ? nil : drainErrors()
            if let words { throw .tls(words) }
            if code == 0 || code == ECONNRESET || code == EPIPE { throw .closedByPeer }
            throw .system(SystemError("TLS", on: connection.peer.description, code: code))
        default:
            throw .tls(drainErrors())
        }
    }
}
