// SPDX-License-Identifier: Apache-2.0
import COpenSSL
package import Common

/// What one service shows to its clients: certificates, protocol versions, ticket keys.
///
/// TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only (RFC 9325 §3.1, §4.2).
package final class TLSContext {
    /// `SSL_CTX`, one a certificate; the first is shown to clients that name no host or an unknown one.
    private let contexts: [OpaquePointer]

    /// Prepares a server's context.
    ///
    /// - Parameters:
    ///   - group: At least one certificate; further ones are chosen by the name that the client sends (RFC 6066
    ///     §3). The ticket key is the same in all workers of one service and one group and nowhere else, so that a
    ///     session resumes in any of them (RFC 5077, RFC 8446 §4.6.1).
    ///   - settings: What handshakes may agree on.
    ///   - scope: The service; a ticket of another service or group is refused.
    /// - Throws: `TLSError` when a certificate, a key or a setting is unusable.
    package init(
        _ group: GroupTLS, settings: TLSSettings, scope: String
    ) throws(TLSError) {
        guard !group.credentials.isEmpty else { throw .noCertificate }
        var made: [OpaquePointer] = []
        do throws(TLSError) {
            for credential in group.credentials {
                made.append(
                    try Self.makeContext(
                        credential, settings, ticketKey: group.ticketKey,
                        scope: "\(scope) \(group.group)"))
            }
        } catch {
            made.forEach(SSL_CTX_free)
            throw error
        }
        contexts = made
        guard contexts.count > 1 else { return }
        // The context frees itself of the callback in deinit, before this object is gone.
        wm_ctx_set_name_callback(
            contexts[0],
            { ssl, _, argument in
                guard let ssl, let argument else { return SSL_TLSEXT_ERR_NOACK }
                let address = UInt(bitPattern: argument)
                let session = UInt(bitPattern: ssl)
                return MainActor.assumeIsolated { TLSContext.chooseByName(session, address) }
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    isolated deinit {
        if contexts.count > 1 { wm_ctx_set_name_callback(contexts[0], nil, nil) }
        contexts.forEach(SSL_CTX_free)
    }

    /// For each listener its context; nil where the group has no certificate.
    ///
    /// Listeners of one port and group are one service, whatever their addresses.
    ///
    /// - Throws: `TLSError` when a certificate, a key or a setting is unusable.
    package static func contexts(
        of listeners: [ListenerSettings], certificates: [GroupTLS], settings: TLSSettings
    ) throws(TLSError) -> [TLSContext?] {
        var made: [String: TLSContext] = [:]
        var contexts: [TLSContext?] = []
        for listener in listeners {
            guard let group = certificates.first(where: { $0.group == listener.group }) else {
                contexts.append(nil)
                continue
            }
            let scope = "\(listener.service.rawValue) \(listener.address.port)"
            let key = "\(scope) \(group.group)"
            if made[key] == nil {
                made[key] = try TLSContext(group, settings: settings, scope: scope)
            }
            contexts.append(made[key])
        }
        return contexts
    }

    /// A new server session; owned by the caller.
    func makeSession() -> OpaquePointer? {
        SSL_new(contexts[0])
    }

    private static func chooseByName(_ session: UInt, _ address: UInt) -> Int32 {
        guard let ssl = OpaquePointer(bitPattern: session),
            let pointer = UnsafeRawPointer(bitPattern: address),
            let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
        else { return SSL_TLSEXT_ERR_NOACK }
        let context = Unmanaged<TLSContext>.fromOpaque(pointer).takeUnretainedValue()
        for candidate in context.contexts {
            guard let certificate = SSL_CTX_get0_certificate(candidate),
                X509_check_host(certificate, name, 0, 0, nil) == 1
            else { continue }
            SSL_set_SSL_CTX(ssl, candidate)
            return SSL_TLSEXT_ERR_OK
        }
        return SSL_TLSEXT_ERR_NOACK
    }

    private static func makeContext(
        _ credential: TLSCredential, _ settings: TLSSettings, ticketKey: [UInt8], scope: String
    ) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        guard let context = SSL_CTX_new(TLS_server_method()) else {
            throw .library(drainErrors())
        }
        do throws(TLSError) {
            wm_ctx_set_versions(context, settings.minimumVersion == .tls13 ? 1 : 0)
            wm_ctx_set_modes(context)
            wm_ctx_set_server_options(context)
            wm_ctx_disable_session_cache(context)
            let ciphers = settings.ciphers ?? "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
            guard SSL_CTX_set_cipher_list(context, ciphers) == 1,
                wm_ctx_set_groups(context, "X25519:P-256:P-384") == 1
            else { throw .library(drainErrors()) }
            if let suites = settings.cipherSuites {
                guard SSL_CTX_set_ciphersuites(context, suites) == 1 else {
                    throw .library(drainErrors())
                }
            }
            try setTickets(settings.usesTickets ? ticketKey : nil, scope: scope, in: context)
            try use(credential, in: context)
            return context
        } catch {
            SSL_CTX_free(context)
            throw error
        }
    }

    private static func setTickets(
        _ key: [UInt8]?, scope: String, in context: OpaquePointer
    ) throws(TLSError) {
        guard var key else { return wm_ctx_disable_tickets(context) }
        // One ticket a handshake is enough for clients that come one after another.
        SSL_CTX_set_num_tickets(context, 1)
        // The library takes 32 octets, which stand for service and group: it refuses a session of another scope.
        let scope = Array(scope.utf8)
        var digest = [UInt8](repeating: 0, count: 32)
        guard SHA256(scope, scope.count, &digest) != nil,
            SSL_CTX_set_session_id_context(context, digest, UInt32(digest.count)) == 1,
            wm_ctx_set_ticket_keys(context, &key, key.count) == 1
        else { throw .library(drainErrors()) }
    }

    private static func use(_ credential: TLSCredential, in context: OpaquePointer) throws(TLSError)
    {
        try reading(credential.chain) { source throws(TLSError) in
            try useChain(source, in: context)
        }
        try reading(credential.key) { source throws(TLSError) in
            try useKey(source, in: context)
        }
    }

    /// Gives the library a text to read, which stays where it is until it was read.
    private static func reading(
        _ text: String, _ body: (OpaquePointer) throws(TLSError) -> Void
    ) throws(TLSError) {
        let bytes = Array(text.utf8)
        let result: Result<Void, TLSError> = bytes.withUnsafeBytes { buffer in
            // The library keeps the address and copies nothing (BIO_new_mem_buf(3ssl)).
            guard let source = wm_memory_bio(buffer.baseAddress, Int32(buffer.count)) else {
                return .failure(.library(drainErrors()))
            }
            defer { BIO_free(source) }
            return Result { () throws(TLSError) in try body(source) }
        }
        try result.get()
    }

    private static func useChain(
        _ source: OpaquePointer, in context: OpaquePointer
    ) throws(TLSError) {
        guard let leaf = PEM_read_bio_X509(source, nil, nil, nil) else {
            ERR_clear_error()
            throw .noCertificate
        }
        let accepted = SSL_CTX_use_certificate(context, leaf)
        X509_free(leaf)
        guard accepted == 1 else { throw .library(drainErrors()) }
        while let next = PEM_read_bio_X509(source, nil, nil, nil) {
            guard wm_ctx_add_chain(context, next) == 1 else {
                X509_free(next)
                throw .library(drainErrors())
            }
        }
        ERR_clear_error()
    }

    private static func useKey(
        _ source: OpaquePointer, in context: OpaquePointer
    ) throws(TLSError) {
        // Without a callback the library would ask for a passphrase on the terminal.
        guard let privateKey = PEM_read_bio_PrivateKey(source, nil, { _, _, _, _ in -1 }, nil)
        else {
            ERR_clear_error()
            throw .noPrivateKey
        }
        defer { EVP_PKEY_free(privateKey) }
        guard SSL_CTX_use_PrivateKey(context, privateKey) == 1,
            SSL_CTX_check_private_key(context) == 1
        else {
            ERR_clear_error()
            throw .mismatch
        }
    }
}
