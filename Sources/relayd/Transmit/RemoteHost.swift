// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy
import SMTP
import TLS

/// One address and port of one server, as a connection is to be tried.
nonisolated struct RemoteHost: Hashable, Sendable, CustomStringConvertible {
    /// Its name, or the address as text: for TLS and for people.
    let name: String
    let address: SocketAddress
    let protection: Route.Protection

    /// `mx.example.org [192.0.2.1]:25`, as the queue and the log have it.
    var description: String {
        "\(name) [\(address.host)]:\(address.port)"
    }

    /// The same without TLS, for a server that offers STARTTLS and cannot do it.
    var withoutTLS: RemoteHost {
        RemoteHost(name: name, address: address, protection: .none)
    }
}

/// What is demanded of a connection, whichever of a destination's hosts it leads to.
nonisolated struct ConnectionDemands: Sendable {
    var trust: TLSClientContext.Trust
    /// For AUTH at a smarthost.
    var credentials: Credentials?
    /// Seconds for a connection to come about.
    var connectTimeout: Double
    /// Seconds for each reply.
    var replyTimeout: Double

    /// What a route demands.
    init(_ route: Route, _ settings: TransmitSettings, _ smarthosts: [Smarthost]) {
        trust = route.verifiesCertificate ? .verified : .anybody
        credentials = route.smarthost.flatMap { index in
            Credentials(
                user: smarthosts[index].username.utf8, password: smarthosts[index].password.utf8)
        }
        connectTimeout = route.connectTimeout
        replyTimeout = settings.replyTimeout
    }

    /// How the session is to be held with a host.
    func session(with host: RemoteHost, name: String) -> ClientSettings {
        let encryption: ClientSettings.Encryption =
            switch host.protection {
            case .implicit, .none: .none
            case .required: .required
            case .ifOffered: .ifOffered
            }
        return ClientSettings(
            name: name, encryption: encryption, credentials: credentials,
            // Where the operator has said so, and the configuration has warned of it.
            maySendPasswordInClear: host.protection == .none || host.protection == .ifOffered,
            isEncrypted: host.protection == .implicit)
    }

    /// Seconds that a wait may take.
    func seconds(_ wait: ClientWait) -> Double {
        switch wait {
        case .greeting, .reply, .data: replyTimeout
        case .endOfData: max(wait.seconds, replyTimeout)
        case .quit: wait.seconds
        }
    }
}
