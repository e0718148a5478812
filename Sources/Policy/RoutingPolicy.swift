// SPDX-License-Identifier: Apache-2.0
package import Common
package import Mail

/// Where a recipient's mail goes: a pure function of addresses, permissions and configuration.
///
/// `localMX.json` comes first and alone: the operator named these servers, so neither `nodirect` nor a smarthost
/// stands in for them. Otherwise the ways of `mailTry` in their order, of those that the sender was permitted.
package struct RoutingPolicy: Equatable, Sendable {
    package let settings: TransmitSettings
    package let smarthosts: [Smarthost]
    package let localMX: LocalMX
    private let noDirect: [Domain]

    package init(
        settings: TransmitSettings, smarthosts: [Smarthost] = [], localMX: LocalMX = LocalMX()
    ) {
        self.settings = settings
        self.smarthosts = smarthosts
        self.localMX = localMX
        noDirect = settings.noDirect.compactMap { Domain($0) }
    }

    /// The routes to a domain.
    ///
    /// - Parameters:
    ///   - domain: The recipient's.
    ///   - sender: Of the envelope.
    ///   - ways: What the sender was permitted when the message was accepted.
    /// - Returns: Routes in the order to try them, or the outcome of having none.
    package func routing(
        to domain: Domain, from sender: ReversePath, ways: RelayEnvelope.Ways
    ) -> Routing {
        guard !ways.isEmpty else {
            return .none(
                refusal("the sender has no permission to send to other servers"))
        }
        if !domain.isLiteral, let route = localMX.route(for: domain.ascii) {
            return .routes([named(route.hosts, ports: route.ports)])
        }
        let isDirectBarred = noDirect.contains { domain.isWithin($0) }
        var routes: [Route] = []
        for method in settings.methods {
            switch method {
            case .relay where ways.contains(.smarthost):
                routes += smarthosts(for: domain, from: sender)
            case .direct where ways.contains(.direct) && !isDirectBarred:
                routes.append(direct(to: domain))
            case .relay, .direct: continue
            }
        }
        if !routes.isEmpty { return .routes(routes) }
        if isDirectBarred, !ways.contains(.smarthost) {
            return .none(
                refusal(
                    "mail to \(domain.ascii) leaves through a smarthost only, and the sender may not use it"
                ))
        }
        // The configuration was another one when the message was accepted, and may be mended.
        return .none(
            Outcome(
                .temporary, EnhancedStatus(.temporary, 3, 5), at: .routing,
                "the configuration has no way out for mail to \(domain.ascii)"))
    }

    /// The envelope's sender as a route's server shall see it.
    package func sender(_ sender: ReversePath, on route: Route) -> ReversePath {
        guard case .address = sender, let index = route.smarthost,
            smarthosts[index].usesUsernameAsSender,
            let address = MailAddress(smarthosts[index].username)
        else { return sender }
        return .address(address)
    }

    private func refusal(_ reason: String) -> Outcome {
        Outcome(.permanent, .notAuthorized, at: .routing, reason)
    }

    // MARK: Direct

    private func direct(to domain: Domain) -> Route {
        if let address = domain.literalAddress { return named([address], ports: []) }
        return Route(
            servers: .exchangers(of: domain), ports: settings.directPorts.map(port),
            connectTimeout: settings.connectTimeout)
    }

    private func named(_ hosts: [String], ports: [UInt16]) -> Route {
        Route(
            servers: .named(hosts), ports: (ports.isEmpty ? settings.directPorts : ports).map(port),
            connectTimeout: settings.connectTimeout)
    }

    private func port(_ number: UInt16) -> Route.Port {
        if number == 465 { return Route.Port(number: number, protection: .implicit) }
        return Route.Port(number: number, protection: settings.usesStartTLS ? .ifOffered : .none)
    }

    // MARK: Smarthosts

    /// Those that serve this mail: with the most conditions first, then in the order of the file.
    private func smarthosts(for domain: Domain, from sender: ReversePath) -> [Route] {
        smarthosts.indices.compactMap { index in
            conditions(of: smarthosts[index], for: domain, from: sender).map { (index, $0) }
        }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }.map { smarthost($0.0) }
    }

    /// How many conditions there are; nil when one is not met.
    private func conditions(
        of smarthost: Smarthost, for domain: Domain, from sender: ReversePath
    ) -> Int? {
        var count = 0
        if !smarthost.recipientDomains.isEmpty {
            guard domain.isWithin(oneOf: smarthost.recipientDomains) else { return nil }
            count += 1
        }
        if !smarthost.senderDomains.isEmpty {
            guard let sender = sender.address,
                sender.domain.isWithin(oneOf: smarthost.senderDomains)
            else { return nil }
            count += 1
        }
        return count
    }

    private func smarthost(_ index: Int) -> Route {
        let host = smarthosts[index]
        let protection: Route.Protection =
            if host.implicitTLS {
                .implicit
            } else {
                switch host.startTLS {
                case .required: .required
                case .opportunistic: .ifOffered
                case .never: .none
                }
            }
        return Route(
            servers: .named([host.host]),
            ports: [Route.Port(number: host.port, protection: protection)], smarthost: index,
            verifiesCertificate: host.verifiesCertificate, connectTimeout: host.connectTimeout)
    }
}

extension Domain {
    /// The IP address of an address literal, without brackets; nil for a name.
    fileprivate var literalAddress: String? {
        guard isLiteral else { return nil }
        let address = ascii.dropFirst().dropLast()
        return address.lowercased().hasPrefix("ipv6:")
            ? String(address.dropFirst(5)) : String(address)
    }

    /// Whether it is one of these domains or below one.
    fileprivate func isWithin(oneOf names: [String]) -> Bool {
        names.contains { name in Domain(name).map { isWithin($0) } ?? false }
    }
}
