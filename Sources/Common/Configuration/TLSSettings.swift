// SPDX-License-Identifier: Apache-2.0

/// `TLSSettings`: what handshakes may agree on.
package struct TLSSettings: Equatable, Sendable {
    /// A protocol version.
    package enum Version: String, CaseIterable, Sendable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    /// `minVersion`.
    package var minimumVersion = Version.tls12
    /// `ciphers` of TLS 1.2, in OpenSSL's notation; nil for the built-in choice.
    package var ciphers: String?
    /// `cipherSuites` of TLS 1.3, in OpenSSL's notation; nil for the built-in choice.
    package var cipherSuites: String?
    /// `sessionTickets`: whether clients may resume sessions.
    package var usesTickets = true

    /// All defaults.
    package init() {}
}

/// A certificate with its key, as PEM texts.
package struct TLSCredential: Equatable, Sendable, CustomStringConvertible {
    /// The certificate, then those that lead to its authority.
    package let chain: String
    /// The private key.
    package let key: String

    /// A certificate with its key.
    package init(chain: String, key: String) {
        self.chain = chain
        self.key = key
    }

    /// Without the key.
    package var description: String { "certificate of \(chain.utf8.count) octets" }
}

/// What a worker needs to serve TLS for one user group.
package struct GroupTLS: Equatable, Sendable {
    /// The user group.
    package let group: String
    /// The first is the default, the others are chosen by the name that a client asks for (RFC 6066 §3).
    package let credentials: [TLSCredential]
    /// 80 random octets that all workers of one service share; another service or group has others.
    package let ticketKey: [UInt8]

    /// What one group shows to its clients.
    package init(group: String, credentials: [TLSCredential], ticketKey: [UInt8]) {
        self.group = group
        self.credentials = credentials
        self.ticketKey = ticketKey
    }
}

extension TLSSettings {
    /// For a slice.
    package var json: JSON {
        [
            "minimumVersion": .string(minimumVersion.rawValue), "ciphers": .optional(ciphers),
            "cipherSuites": .optional(cipherSuites), "usesTickets": .boolean(usesTickets),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        minimumVersion = try json.word(at: "minimumVersion")
        ciphers = try json.optionalString(at: "ciphers")
        cipherSuites = try json.optionalString(at: "cipherSuites")
        usesTickets = try json.boolean(at: "usesTickets")
    }
}

extension GroupTLS {
    /// For a slice.
    package var json: JSON {
        let digits = ticketKey.map { octet in
            (octet < 16 ? "0" : "") + String(octet, radix: 16)
        }
        return [
            "group": .string(group),
            "credentials": .array(
                credentials.map { ["chain": .string($0.chain), "key": .string($0.key)] }),
            "ticketKey": .string(digits.joined()),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        group = try json.string(at: "group")
        credentials = try json.list(at: "credentials") { element throws(JSONMismatch) in
            TLSCredential(
                chain: try element.string(at: "chain"), key: try element.string(at: "key"))
        }
        let digits = Array(try json.string(at: "ticketKey").utf8)
        let octets = stride(from: 0, to: digits.count - digits.count % 2, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
        guard octets.count * 2 == digits.count else {
            throw JSONMismatch(path: "ticketKey", expected: "hexadecimal digits")
        }
        ticketKey = octets
    }
}
