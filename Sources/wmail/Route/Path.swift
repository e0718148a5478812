// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy

/// One way to one address at another server, in words.
struct Path: Equatable {
    let kind: String
    /// Servers in the order to try them.
    let servers: [String]
    let ports: [Route.Port]
    let verifiesCertificate: Bool
    /// Why the servers are not known; nil when they are.
    var trouble: String?

    /// For `--json`.
    var json: JSON {
        [
            "kind": .string(kind), "servers": .strings(servers),
            "ports": .array(
                ports.map {
                    [
                        "port": .integer(Int($0.number)), "tls": .string($0.protection.word),
                    ]
                }),
            "verifiesCertificate": .boolean(verifiesCertificate),
            "trouble": trouble.map(JSON.string) ?? .null,
        ]
    }

    /// On one line.
    var text: String {
        let ports = ports.map { "port \($0.number), \($0.protection.words)" }
        let certificate = verifiesCertificate ? ", certificate must be right" : ""
        return "\(kind): \(trouble ?? servers.joined(separator: ", ")); "
            + ports.joined(separator: "; ") + certificate
    }

    /// The ways of one route; where the DNS decides it is asked unless there is no resolver.
    @MainActor static func of(
        _ route: Route, _ policy: RoutingPolicy, localMX isLocalMX: Bool,
        asking resolver: Resolver?,
        isOurselves: (String) -> Bool
    ) async -> Path {
        var path: (kind: String, servers: [String], trouble: String?)
        switch route.servers {
        case .named(let hosts):
            path = (
                route.smarthost != nil ? "smarthost" : isLocalMX ? "localMX.json" : "address",
                hosts,
                nil
            )
        case .exchangers(let domain):
            path = ("MX of \(domain.ascii)", [], "the DNS was not asked")
            if let resolver {
                var answer: Result<[MailExchangers.Record], ResolverError>
                do throws(ResolverError) {
                    answer = .success(try await resolver.mailExchangers(of: domain.ascii))
                } catch {
                    answer = .failure(error)
                }
                var generator = SystemRandomNumberGenerator()
                switch MailExchangers(
                    of: domain, answer, isOurselves: isOurselves, using: &generator)
                {
                case .servers(let hosts): (path.servers, path.trouble) = (hosts, nil)
                case .none(let outcome): path.trouble = outcome.text
                }
            }
        }
        return Path(
            kind: path.kind, servers: path.servers, ports: route.ports,
            verifiesCertificate: route.verifiesCertificate, trouble: path.trouble)
    }
}

extension Route.Protection {
    /// For programs.
    var word: String {
        switch self {
        case .implicit: "implicit"
        case .required: "starttls-required"
        case .ifOffered: "starttls-if-offered"
        case .none: "none"
        }
    }

    /// For people.
    var words: String {
        switch self {
        case .implicit: "TLS from the first octet"
        case .required: "STARTTLS or no mail"
        case .ifOffered: "STARTTLS where it is offered"
        case .none: "no TLS"
        }
    }
}
