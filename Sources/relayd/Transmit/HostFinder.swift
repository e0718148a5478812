// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy

/// Finds the hosts of a route, in the order to try them (RFC 5321 §5.1).
final class HostFinder {
    private let resolver: Resolver
    private let own: OwnHost
    private let usesIPv6: Bool

    /// Mail exchangers of one domain that are looked at.
    nonisolated private static let mostServers = 10
    /// Connections that are tried in one attempt.
    nonisolated static let mostHosts = 10

    init(_ resolver: Resolver, own: OwnHost, usesIPv6: Bool) {
        self.resolver = resolver
        self.own = own
        self.usesIPv6 = usesIPv6
    }

    /// What was found.
    nonisolated enum Found: Equatable, Sendable {
        /// At least one.
        case hosts([RemoteHost])
        /// There are none, for now or for good.
        case none(Outcome)
    }

    /// Looks the route's hosts up.
    func hosts(of route: Route) async -> Found {
        switch route.servers {
        case .named(let names):
            let found = await addresses(of: names)
            let hosts = Self.hosts(names, found, route)
            if !hosts.isEmpty { return .hosts(hosts) }
            return .none(Self.noAddress(of: names, found))
        case .exchangers(let domain): return await hosts(of: domain, route)
        }
    }

    private typealias Addresses = [String: Result<[[UInt8]], ResolverError>]

    private func hosts(of domain: Domain, _ route: Route) async -> Found {
        var answer: Result<[MailExchangers.Record], ResolverError>
        do throws(ResolverError) {
            answer = .success(try await resolver.mailExchangers(of: domain.ascii))
        } catch {
            answer = .failure(error)
        }
        // Without records the domain itself is the server.
        var names = [domain.ascii]
        if case .success(let records) = answer {
            let some = records.prefix(Self.mostServers).map { ($0.preference, $0.host) }
            answer = .success(some)
            names = some.map(\.1).filter { !$0.isEmpty }
        }
        var found: Addresses = [:]
        switch answer {
        case .failure(.noRecord), .success: found = await addresses(of: names)
        case .failure: break
        }
        var generator = SystemRandomNumberGenerator()
        let exchangers = MailExchangers(
            of: domain, answer, isOurselves: { isOurselves($0, found, route) }, using: &generator)
        switch exchangers {
        case .none(let outcome): return .none(outcome)
        case .servers(let servers):
            let hosts = Self.hosts(servers, found, route)
            if !hosts.isEmpty { return .hosts(hosts) }
            let errors = servers.compactMap { server -> ResolverError? in
                if case .failure(let error)? = found[server.lowercased()] { error } else { nil }
            }
            return .none(
                MailExchangers.outcome(
                    of: domain, isImplicit: answer.isNoRecord, withoutAddress: errors))
        }
    }

    private func isOurselves(_ name: String, _ found: Addresses, _ route: Route) -> Bool {
        // On other ports other services listen, perhaps on this very machine.
        guard route.ports.contains(where: { $0.number == 25 }) else { return false }
        if own.isNamed(name) { return true }
        guard case .success(let addresses)? = found[name.lowercased()] else { return false }
        return addresses.contains { own.has(SocketAddress(octets: $0, port: 25)) }
    }

    private func addresses(of names: [String]) async -> Addresses {
        var found: Addresses = [:]
        var tasks: [(String, Task<Result<[[UInt8]], ResolverError>, Never>)] = []
        for name in Set(names.map { $0.lowercased() }) {
            tasks.append((name, Task { await self.addresses(of: name) }))
        }
        for (name, task) in tasks { found[name] = await task.value }
        return found
    }

    private func addresses(of name: String) async -> Result<[[UInt8]], ResolverError> {
        do throws(ResolverError) {
            let all = try await resolver.addresses(of: name, includesIPv6: usesIPv6)
            let usable = usesIPv6 ? all : all.filter { $0.count == 4 }
            return usable.isEmpty ? .failure(.noRecord) : .success(usable)
        } catch {
            return .failure(error)
        }
    }

    /// Each server's addresses, each with all ports, before the next server.
    private static func hosts(
        _ names: [String], _ found: Addresses, _ route: Route
    ) -> [RemoteHost] {
        var hosts: [RemoteHost] = []
        for name in names {
            guard case .success(let addresses)? = found[name.lowercased()] else { continue }
            for address in addresses {
                for port in route.ports {
                    hosts.append(
                        RemoteHost(
                            name: name, address: SocketAddress(octets: address, port: port.number),
                            protection: port.protection))
                }
            }
        }
        return Array(hosts.prefix(mostHosts))
    }

    /// The operator named these servers, and may have misspelt one: never a reason to bounce.
    private static func noAddress(of names: [String], _ found: Addresses) -> Outcome {
        let reasons = names.map { name in
            switch found[name.lowercased()] {
            case .failure(.noSuchName): "\(name) does not exist"
            case .failure(.temporary(let reason)): "\(name): \(reason)"
            default: "\(name) has no address"
            }
        }
        return Outcome(
            .temporary, EnhancedStatus(.temporary, 4, 4), at: .routing,
            reasons.joined(separator: "; "))
    }
}

extension Result<[MailExchangers.Record], ResolverError> {
    nonisolated fileprivate var isNoRecord: Bool {
        if case .failure(.noRecord) = self { true } else { false }
    }
}
