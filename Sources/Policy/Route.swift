// SPDX-License-Identifier: Apache-2.0
package import Mail

/// One way for a recipient's mail; equal routes are one destination, whose connections and troubles are shared.
package struct Route: Hashable, Sendable {
    /// Which servers.
    package enum Servers: Hashable, Sendable {
        /// Names or addresses (without brackets), tried in order.
        case named([String])
        /// Those that the DNS names for a domain; see ``MailExchangers``.
        case exchangers(of: Domain)
    }

    /// A port to try, and what is demanded there.
    package struct Port: Hashable, Sendable {
        package let number: UInt16
        package let protection: Protection
    }

    /// How a connection is encrypted.
    package enum Protection: Hashable, CaseIterable, Sendable {
        /// TLS from the first octet.
        case implicit
        /// STARTTLS, or no mail.
        case required
        /// STARTTLS where it is offered; without it after a failed handshake.
        case ifOffered
        case none
    }

    package let servers: Servers
    /// Tried in order at each server.
    package let ports: [Port]
    /// Whose login to use: the index of a configured smarthost; nil for servers that want none.
    package var smarthost: Int?
    /// Whether the certificate must be valid and for the server's name.
    package var verifiesCertificate = false
    /// Seconds for a connection to come about.
    package var connectTimeout: Double
}

nonisolated extension Route: CustomStringConvertible {
    /// For the log.
    package var description: String {
        let list = ports.map { "\($0.number)" }.joined(separator: ",")
        switch servers {
        case .named(let hosts): return "\(hosts.joined(separator: ",")):\(list)"
        case .exchangers(let domain): return "MX of \(domain.ascii):\(list)"
        }
    }
}

/// What routing found for a recipient.
package enum Routing: Equatable, Sendable {
    /// At least one; the next is tried when the one before it is in trouble, never after a server's refusal.
    case routes([Route])
    /// There is no way, for now or for good.
    case none(Outcome)
}
