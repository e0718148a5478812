// SPDX-License-Identifier: Apache-2.0
import COpenSSL

/// Why a certificate or a TLS setting cannot be used.
nonisolated package enum TLSError: Error, Equatable, CustomStringConvertible {
    /// The PEM text holds no certificate.
    case noCertificate
    /// The PEM text holds no private key, or one that needs a passphrase.
    case noPrivateKey
    /// The private key is not the certificate's.
    case mismatch
    /// The library's own words.
    case library(String)

    package var description: String {
        switch self {
        case .noCertificate: "the certificate file holds no PEM certificate"
        case .noPrivateKey: "the key file holds no PEM private key without passphrase"
        case .mismatch: "the private key does not belong to the certificate"
        case .library(let text): text
        }
    }
}

/// Takes the library's error stack of this thread into words, and empties it.
nonisolated func drainErrors() -> String {
    var parts: [String] = []
    var text = [CChar](repeating: 0, count: 256)
    while true {
        let code = ERR_get_error()
        if code == 0 { break }
        ERR_error_string_n(code, &text, text.count)
        let words = String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // "error:0A000126:SSL routines::unexpected eof": the last part says it.
        parts.append(words.split(separator: ":").last.map(String.init) ?? words)
    }
    return parts.isEmpty ? "unknown TLS error" : parts.joined(separator: "; ")
}
