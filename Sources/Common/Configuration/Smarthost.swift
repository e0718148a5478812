// SPDX-License-Identifier: Apache-2.0

/// `SMTPServices.MailRelay`: a server that takes our mail for the rest of the world.
package struct Smarthost: Equatable, Sendable {
    /// How STARTTLS is used.
    package enum StartTLS: String, CaseIterable, Sendable {
        /// No mail and no password without TLS.
        case required
        /// TLS if the server offers it.
        case opportunistic
        /// No TLS.
        case never
    }

    /// `relayHost`: a name or an address.
    package var host: String
    /// `relayPort`.
    package var port: UInt16
    /// `relayUsername`; empty for no login.
    package var username: String
    /// `relayPassword`.
    package var password: String
    /// `ssl`: TLS from the first octet.
    package var implicitTLS: Bool
    /// `starttls`: by default `required` with a login and `opportunistic` without one.
    package var startTLS: StartTLS
    /// `verifyCertificate`: whether the certificate must be valid and for the host's name.
    package var verifiesCertificate: Bool
    /// `useRelayUsernameAsSender`: the envelope sender becomes the login's name.
    package var usesUsernameAsSender: Bool
    /// `timeout`: seconds for a connection to come about.
    package var connectTimeout: Double
    /// `senderDomains`: only for senders of these domains; empty for all.
    package var senderDomains: [String]
    /// `recipientDomains`: only for recipients of these domains; empty for all.
    package var recipientDomains: [String]

    /// With every value given.
    package init(
        host: String, port: UInt16 = 25, username: String = "", password: String = "",
        implicitTLS: Bool = false, startTLS: StartTLS = .opportunistic,
        verifiesCertificate: Bool = true, usesUsernameAsSender: Bool = false,
        connectTimeout: Double = 30, senderDomains: [String] = [], recipientDomains: [String] = []
    ) {
        self.host = host
        self.port = port
        self.username = username
        self.password = password
        self.implicitTLS = implicitTLS
        self.startTLS = startTLS
        self.verifiesCertificate = verifiesCertificate
        self.usesUsernameAsSender = usesUsernameAsSender
        self.connectTimeout = connectTimeout
        self.senderDomains = senderDomains
        self.recipientDomains = recipientDomains
    }
}

/// The password is in no text that is made of a smarthost, whoever prints it.
extension Smarthost: CustomStringConvertible, CustomReflectable {
    /// For messages and the log.
    package var description: String {
        username.isEmpty ? "\(host):\(port)" : "\(username) at \(host):\(port)"
    }

    /// Hides what must not be printed.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Smarthost {
    /// For a slice.
    package var json: JSON {
        [
            "host": .string(host), "port": .integer(Int(port)), "username": .string(username),
            "password": .string(password), "implicitTLS": .boolean(implicitTLS),
            "startTLS": .string(startTLS.rawValue),
            "verifiesCertificate": .boolean(verifiesCertificate),
            "usesUsernameAsSender": .boolean(usesUsernameAsSender),
            "connectTimeout": .number(connectTimeout), "senderDomains": .strings(senderDomains),
            "recipientDomains": .strings(recipientDomains),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        guard let port = UInt16(exactly: try json.integer(at: "port")) else {
            throw JSONMismatch(path: "port", expected: "a port")
        }
        self.init(
            host: try json.string(at: "host"), port: port,
            username: try json.string(at: "username"), password: try json.string(at: "password"),
            implicitTLS: try json.boolean(at: "implicitTLS"),
            startTLS: try json.word(at: "startTLS"),
            verifiesCertificate: try json.boolean(at: "verifiesCertificate"),
            usesUsernameAsSender: try json.boolean(at: "usesUsernameAsSender"),
            connectTimeout: try json.number(at: "connectTimeout"),
            senderDomains: try json.strings(at: "senderDomains"),
            recipientDomains: try json.strings(at: "recipientDomains"))
    }
}
