// SPDX-License-Identifier: Apache-2.0
import COpenSSL
package import Common
import Glibc

/// How relayd meets other servers under TLS: whom it believes, and which sessions it may resume.
///
/// TLS 1.2 and 1.3. Without verification the encryption still keeps out everybody who only listens, which is
/// what STARTTLS to an unknown server can promise (RFC 7435).
package final class TLSClientContext {
    /// Whose certificate is asked for.
    nonisolated package enum Trust: Hashable, Sendable {
        /// Any certificate will do.
        case anybody
        /// It must lead to a root of the system's store and bear the host's name (RFC 9525).
        case verified
    }

    private struct Key: Hashable {
        let host: String
        let port: UInt16
        let trust: Trust
    }

    private let context: OpaquePointer
    private var sessions: [Key: OpaquePointer] = [:]

    /// Remembered sessions; each has a few kilobytes.
    private static let sessionLimit = 256
    /// Debian's bundle of trusted roots (package ca-certificates).
    private static let bundle = "/etc/ssl/certs/ca-certificates.crt"

    /// Prepares a client's context; reads the trusted roots now, because the sandbox forbids it later.
    ///
    /// - Parameter verifies: Whether any server's certificate will be verified; the roots take a megabyte.
    /// - Throws: `TLSError` in the library's words.
    package init(verifies: Bool) throws(TLSError) {
        ERR_clear_error()
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw .library(drainErrors()) }
        self.context = context
        wm_ctx_set_versions(context, 0)
        wm_ctx_set_modes(context)
        wm_ctx_enable_client_sessions(context)
        guard verifies else { return }
        // SSL_CERT_FILE counts, as for every program that uses the library.
        let isNamed = getenv(X509_get_default_cert_file_env()) != nil
        let found =
            isNamed
            ? SSL_CTX_set_default_verify_paths(context)
            : SSL_CTX_load_verify_locations(context, Self.bundle, nil)
        if found != 1 {
            Log.write(
                .warning, "tls.no-roots",
                [
                    "file": Self.bundle, "error": drainErrors(),
                    "hint": "install ca-certificates, or no certificate can be verified",
                ])
        }
        ERR_clear_error()
    }

    isolated deinit {
        sessions.values.forEach(SSL_SESSION_free)
        SSL_CTX_free(context)
    }

    /// Shakes hands as the client; the connection is the stream's from now on, and closed when that fails.
    ///
    /// - Parameters:
    ///   - connection: Connected.
    ///   - host: Sent to the server (RFC 6066 §3) and, with `.verified`, looked for in its certificate; a name or
    ///     an address.
    ///   - trust: Whose certificate will do.
    ///   - deadline: For the whole handshake.
    /// - Returns: The encrypted stream.
    /// - Throws: `StreamError`; `.tls` says why a certificate was not believed.
    package func connect(
        over connection: Connection, host: String, trust: Trust, until deadline: Deadline
    ) async throws(StreamError) -> TLSStream {
        ERR_clear_error()
        let isAddress = SocketAddress(host, port: 0) != nil
        guard let session = SSL_new(context), ConnectionBIO.attach(connection, to: session) else {
            connection.close()
            throw .tls(drainErrors())
        }
        var isPrepared = isAddress || wm_set_server_name(session, host) == 1
        if trust == .verified {
            SSL_set_verify(session, SSL_VERIFY_PEER, nil)
            if isAddress {
                let parameters = SSL_get0_param(session)
                isPrepared = isPrepared && X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1
            } else {
                isPrepared = isPrepared && SSL_set1_host(session, host) == 1
            }
        }
        guard isPrepared else {
            SSL_free(session)
            connection.close()
            throw .tls(drainErrors())
        }
        let key = Key(host: host, port: connection.peer.port, trust: trust)
        if let earlier = sessions[key] { SSL_set_session(session, earlier) }
        var verdict = Int(X509_V_OK)
        do throws(StreamError) {
            return try await TLSStream.shakeHands(over: connection, self, session, deadline) {
                let result = SSL_connect($0)
                if result != 1 { verdict = SSL_get_verify_result($0) }
                return result
            }
        } catch {
            forget(key)
            if verdict != Int(X509_V_OK), trust == .verified, case .tls = error {
                let words = X509_verify_cert_error_string(verdict).map { String(cString: $0) }
                throw .tls("certificate of \(host): \(words ?? "not believed")")
            }
            throw error
        }
    }

    /// Keeps the stream's session for the next connection to that host; call it when the stream is done with.
    package func remember(_ stream: TLSStream, host: String, trust: Trust) {
        guard let session = SSL_get1_session(stream.session) else { return }
        guard SSL_SESSION_is_resumable(session) == 1 else { return SSL_SESSION_free(session) }
        if sessions.count >= Self.sessionLimit, let first = sessions.keys.first { forget(first) }
        let key = Key(host: host, port: stream.peer.port, trust: trust)
        forget(key)
        sessions[key] = session
    }

    private func forget(_ key: Key) {
        if let session = sessions.removeValue(forKey: key) { SSL_SESSION_free(session) }
    }
}
