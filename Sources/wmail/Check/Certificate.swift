// SPDX-License-Identifier: Apache-2.0
import COpenSSL
import Common

/// A certificate with the way to its authority and its key, as OpenSSL sees them.
struct Certificate {
    /// What is wrong with the files themselves.
    enum Fault: Error, Equatable {
        case noCertificate
        case noKey
        case wrongKey
    }

    /// How the way to an authority ends.
    enum Trust: Equatable {
        case trusted
        case selfSigned
        /// The certificate of this issuer is missing.
        case incomplete(issuer: String)
        case other(String)
    }

    /// Whole seconds from now until it ends; negative when it has ended.
    let secondsLeft: Int
    /// Whether it is not valid before some time to come.
    let isFromFuture: Bool
    let names: [String]
    let trust: Trust
    private let covers: Set<String>

    /// Reads and judges a certificate.
    ///
    /// - Parameters:
    ///   - credential: The PEM texts.
    ///   - hosts: Names to look for.
    ///   - authorities: A file of trusted certificates instead of the system's.
    /// - Throws: ``Fault``.
    init(
        _ credential: TLSCredential, hosts: [String], authorities: String? = nil
    ) throws(Fault) {
        let chain = Self.certificates(credential.chain)
        defer { chain.forEach { X509_free($0) } }
        guard let leaf = chain.first else { throw .noCertificate }
        guard let key = Self.key(credential.key) else { throw .noKey }
        defer { EVP_PKEY_free(key) }
        guard X509_check_private_key(leaf, key) == 1 else { throw .wrongKey }
        secondsLeft = Self.seconds(until: X509_get0_notAfter(leaf))
        isFromFuture = Self.seconds(until: X509_get0_notBefore(leaf)) > 0
        covers = Set(hosts.filter { X509_check_host(leaf, $0, 0, 0, nil) == 1 })
        names = Self.names(of: leaf)
        trust = Self.trust(leaf, others: chain.dropFirst().map { $0 }, authorities)
    }

    /// Whether it is for a host of those that were asked for.
    func covers(_ host: String) -> Bool { covers.contains(host) }

    private static func withBIO<Value>(
        _ text: String, _ body: (OpaquePointer) -> Value
    ) -> Value? {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes { buffer in
            guard let bio = wm_memory_bio(buffer.baseAddress, Int32(buffer.count)) else {
                return nil
            }
            defer { BIO_free(bio) }
            return body(bio)
        }
    }

    private static func certificates(_ text: String) -> [OpaquePointer] {
        let found = withBIO(text) { bio in
            var found: [OpaquePointer] = []
            while let certificate = PEM_read_bio_X509(bio, nil, nil, nil) {
                found.append(certificate)
            }
            // The end of the text is told as an error.
            ERR_clear_error()
            return found
        }
        return found ?? []
    }

    private static func key(_ text: String) -> OpaquePointer? {
        let found = withBIO(text) { bio in
            // Never a question on the terminal: the server could not answer it either.
            PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil)
        }
        ERR_clear_error()
        return found ?? nil
    }

    private static func seconds(until time: UnsafePointer<ASN1_TIME>?) -> Int {
        var (days, seconds): (Int32, Int32) = (0, 0)
        guard ASN1_TIME_diff(&days, &seconds, nil, time) == 1 else { return -1 }
        return Int(days) * 86_400 + Int(seconds)
    }

    private static func names(of certificate: OpaquePointer) -> [String] {
        var found: [String] = []
        guard let names = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else {
            return []
        }
        let list = OpaquePointer(names)
        defer { wm_general_names_free(list) }
        for index in 0..<wm_general_names_count(list) {
            var length: Int32 = 0
            guard let bytes = wm_general_names_dns(list, index, &length) else { continue }
            found.append(
                String(
                    decoding: UnsafeBufferPointer(start: bytes, count: Int(length)), as: UTF8.self))
        }
        return found
    }

    private static func trust(
        _ leaf: OpaquePointer, others: [OpaquePointer?], _ authorities: String?
    ) -> Trust {
        guard let store = X509_STORE_new() else { return .other("out of memory") }
        defer { X509_STORE_free(store) }
        if let authorities {
            X509_STORE_load_file(store, authorities)
        } else {
            X509_STORE_set_default_paths(store)
        }
        var issuer = [CChar](repeating: 0, count: 256)
        let code = others.withUnsafeBufferPointer { others in
            wm_verify(store, leaf, others.baseAddress, Int32(others.count), &issuer, 256)
        }
        ERR_clear_error()
        switch code {
        case X509_V_OK: return .trusted
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return .selfSigned
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            let name = issuer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            return .incomplete(issuer: String(decoding: name, as: UTF8.self))
        default: return .other(String(cString: X509_verify_cert_error_string(Int(code))))
        }
    }
}
