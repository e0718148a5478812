// SPDX-License-Identifier: Apache-2.0

/// Which protocol a listening socket speaks.
package enum ServiceKind: String, CaseIterable, Sendable {
    case smtp
    case pop3
}

/// Whether an SMTP client logs in.
package enum LoginPolicy: String, CaseIterable, Sendable {
    /// AUTH is not offered.
    case none
    /// AUTH is offered under TLS; without it mail for the group's own domains is taken.
    case optional
    /// No mail without a login (RFC 6409 §4.3).
    case required
}

/// One listening socket: an address of one entry of `services`.
package struct ListenerSettings: Equatable, Sendable {
    /// Where to bind; an IPv6 address never takes IPv4 connections too (IPV6_V6ONLY).
    package var address: SocketAddress
    /// Which protocol it speaks.
    package var service: ServiceKind
    /// `ssl`: TLS from the first octet.
    package var implicitTLS: Bool
    /// `userGroup`: whose domains, accounts and certificate.
    package var group: String
    /// `auth`, of SMTP.
    package var auth: LoginPolicy
    /// `allowRelayFrom`: clients that may send anywhere without a login, of SMTP.
    package var allowRelayFrom: [IPNetwork]
    /// `acceptOwnDomainsFrom`: clients that may use senders of our domains without a login, of SMTP; it permits nothing
    /// else, and no relaying.
    package var acceptOwnDomainsFrom: [IPNetwork]
    /// `allowPlainLoginFrom`: clients that may log in without TLS, of POP3; by default this machine.
    package var allowPlainLoginFrom: [IPNetwork]
    /// `proxyProtocol`: proxies whose word about the client's address counts.
    package var proxyProtocol: [IPNetwork]
    /// `hostname`: what the greeting says.
    package var hostname: String

    /// With every value given.
    package init(
        address: SocketAddress, service: ServiceKind, implicitTLS: Bool, group: String,
        auth: LoginPolicy = .optional, allowRelayFrom: [IPNetwork] = [],
        acceptOwnDomainsFrom: [IPNetwork] = [],
        allowPlainLoginFrom: [IPNetwork] = IPNetwork.loopback, proxyProtocol: [IPNetwork] = [],
        hostname: String
    ) {
        self.address = address
        self.service = service
        self.implicitTLS = implicitTLS
        self.group = group
        self.auth = auth
        self.allowRelayFrom = allowRelayFrom
        self.acceptOwnDomainsFrom = acceptOwnDomainsFrom
        self.allowPlainLoginFrom = allowPlainLoginFrom
        self.proxyProtocol = proxyProtocol
        self.hostname = hostname
    }

    /// The word for logs and for authd: `smtp`, `submission` (only for logins) or `pop3`.
    package var name: String {
        service == .smtp && auth == .required ? "submission" : service.rawValue
    }
}

extension ListenerSettings {
    /// For a slice.
    package var json: JSON {
        [
            "host": .string(address.host), "port": .integer(Int(address.port)),
            "service": .string(service.rawValue), "implicitTLS": .boolean(implicitTLS),
            "group": .string(group), "auth": .string(auth.rawValue),
            "allowRelayFrom": .networks(allowRelayFrom),
            "acceptOwnDomainsFrom": .networks(acceptOwnDomainsFrom),
            "allowPlainLoginFrom": .networks(allowPlainLoginFrom),
            "proxyProtocol": .networks(proxyProtocol), "hostname": .string(hostname),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        guard let port = UInt16(exactly: try json.integer(at: "port")),
            let address = SocketAddress(try json.string(at: "host"), port: port)
        else { throw JSONMismatch(path: "host", expected: "an address and a port") }
        self.init(
            address: address, service: try json.word(at: "service"),
            implicitTLS: try json.boolean(at: "implicitTLS"), group: try json.string(at: "group"),
            auth: try json.word(at: "auth"),
            allowRelayFrom: try json.networks(at: "allowRelayFrom"),
            acceptOwnDomainsFrom: try json.networks(at: "acceptOwnDomainsFrom"),
            allowPlainLoginFrom: try json.networks(at: "allowPlainLoginFrom"),
            proxyProtocol: try json.networks(at: "proxyProtocol"),
            hostname: try json.string(at: "hostname"))
    }
}

/// Values of settings in slices.
extension JSON {
    static func networks(_ networks: [IPNetwork]) -> JSON { .strings(networks.map(\.description)) }

    static func optional(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }

    func networks(at key: String) throws(JSONMismatch) -> [IPNetwork] {
        try list(at: key) { element throws(JSONMismatch) in
            guard let network = element.string.flatMap({ IPNetwork($0) }) else {
                throw JSONMismatch(path: key, expected: "a network")
            }
            return network
        }
    }

    func ports(at key: String) throws(JSONMismatch) -> [UInt16] {
        try integers(at: key).map { number throws(JSONMismatch) in
            guard let port = UInt16(exactly: number) else {
                throw JSONMismatch(path: key, expected: "a list of ports")
            }
            return port
        }
    }

    /// The text under a key; nil for null.
    func optionalString(at key: String) throws(JSONMismatch) -> String? {
        try value(at: key).isNull ? nil : string(at: key)
    }

    /// One of an enum's words.
    func word<Word: RawRepresentable<String>>(at key: String) throws(JSONMismatch) -> Word {
        guard let word = Word(rawValue: try string(at: key)) else {
            throw JSONMismatch(path: key, expected: "a known word")
        }
        return word
    }

    /// A list of an enum's words.
    func words<Word: RawRepresentable<String>>(at key: String) throws(JSONMismatch) -> [Word] {
        try strings(at: key).map { text throws(JSONMismatch) in
            guard let word = Word(rawValue: text) else {
                throw JSONMismatch(path: key, expected: "known words")
            }
            return word
        }
    }
}
