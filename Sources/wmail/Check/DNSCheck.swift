// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// Whether the DNS says of this host and its domains what other servers look for.
struct DNSCheck {
    /// What this host calls itself in EHLO.
    let host: String
    let domains: [String]
    /// Those of its interfaces that the world may reach; behind a router there are none.
    let ownAddresses: [SocketAddress]
    /// Whether other servers see this host as the sender.
    let sendsDirectly: Bool

    @MainActor func verdicts(asking resolver: Resolver) async -> [Verdict] {
        var verdicts: [Verdict] = []
        let addresses: [SocketAddress]
        switch await Self.ask({ () async throws(ResolverError) in
            try await resolver.addresses(of: host)
        }) {
        case .success(let found):
            addresses = found.map { SocketAddress(octets: $0, port: 0) }
            verdicts.append(verdict(onAddresses: addresses))
        case .failure(.temporary(let reason)):
            return [
                .fail(
                    "dns", "name servers", "no answer: \(reason)",
                    cure:
                        "cat /etc/resolv.conf   # or set nameservers in DeliverySettings of config.json"
                )
            ]
        case .failure:
            addresses = []
            verdicts.append(
                .fail(
                    "dns.host", host, "has no address in the DNS",
                    cure: PublishedRecords.ofHost(host, addresses: ownAddresses)
                        .filter { $0.type != "PTR" }.map(\.line).joined(separator: "\n")))
        }
        for address in addresses.isEmpty ? ownAddresses : addresses where !address.isLoopback {
            let names = await Self.ask { () async throws(ResolverError) in
                try await resolver.names(of: address)
            }
            verdicts.append(verdict(onNames: names, of: address))
        }
        for domain in domains {
            verdicts += await self.verdicts(on: domain, addresses: addresses, resolver)
        }
        return verdicts
    }

    @MainActor private static func ask<Value: Sendable>(
        _ body: @MainActor () async throws(ResolverError) -> Value
    ) async -> Result<Value, ResolverError> {
        do throws(ResolverError) {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }

    // MARK: The host

    /// Whether the name leads here.
    func verdict(onAddresses addresses: [SocketAddress]) -> Verdict {
        let text = addresses.map(\.host).joined(separator: ", ")
        let own = Set(ownAddresses.map(\.octets))
        if own.isEmpty || addresses.contains(where: { own.contains($0.octets) }) {
            return .ok("dns.host", host, text)
        }
        return .warn(
            "dns.host", host, "leads to \(text), which is no address of this host",
            cure: PublishedRecords.ofHost(host, addresses: ownAddresses).filter { $0.type != "PTR" }
                .map(\.line).joined(separator: "\n"))
    }

    /// Whether the address leads back to the name that EHLO says (RFC 5321 §4.1.4; Gmail and others refuse without).
    func verdict(
        onNames names: Result<[String], ResolverError>, of address: SocketAddress
    ) -> Verdict {
        let record = "\(address.reverseName). IN PTR \(host)."
        let cure = "\(record)\nset by whoever gave you the address, often in the provider's console"
        switch names {
        case .success(let names) where names.contains(host):
            return .ok("dns.ptr", address.host, "is called \(host), like EHLO")
        case .success(let names):
            return .fail(
                "dns.ptr", address.host,
                "is called \(names.joined(separator: ", ")), and EHLO says \(host)", cure: cure)
        case .failure(.temporary(let reason)): return .skipped("dns.ptr", address.host, reason)
        case .failure:
            return sendsDirectly
                ? .fail(
                    "dns.ptr", address.host, "has no name: many servers refuse its mail", cure: cure
                )
                : .warn("dns.ptr", address.host, "has no name", cure: cure)
        }
    }

    // MARK: A domain

    /// Names that are nobody's in the DNS (RFC 6761, RFC 6762), and addresses.
    static func isPublishable(_ domain: String) -> Bool {
        guard domain.contains("."), SocketAddress(domain, port: 0) == nil else { return false }
        let last = domain.split(separator: ".").last.map(String.init) ?? ""
        return !["local", "localdomain", "internal", "lan", "invalid", "localhost"].contains(last)
    }

    @MainActor private func verdicts(
        on domain: String, addresses: [SocketAddress], _ resolver: Resolver
    ) async -> [Verdict] {
        guard Self.isPublishable(domain), let ascii = Domain(domain)?.ascii else {
            return [.skipped("dns.mx", domain, "is not in the DNS")]
        }
        let exchangers = await Self.ask { () async throws(ResolverError) in
            try await resolver.mailExchangers(of: ascii)
        }
        let texts = await Self.ask { () async throws(ResolverError) in
            try await resolver.texts(of: ascii)
        }
        let policies = await Self.ask { () async throws(ResolverError) in
            try await resolver.texts(of: "_dmarc.\(ascii)")
        }
        var hosts: [String] = []
        if case .success(let found) = exchangers { hosts = found.map(\.host) }
        return [
            verdict(onExchangers: exchangers.map { $0.map(\.host) }, of: ascii),
            verdict(
                onTexts: texts, of: ascii, addresses: addresses, isExchanger: hosts.contains(host)),
            verdict(onPolicies: policies, of: ascii),
        ]
    }

    private func record(_ index: Int, _ domain: String) -> String {
        PublishedRecords.ofDomain(domain, host: host)[index].line
    }

    /// Whether mail for the domain comes here.
    func verdict(
        onExchangers exchangers: Result<[String], ResolverError>, of domain: String
    ) -> Verdict {
        let cure = record(0, domain)
        switch exchangers {
        case .success(let hosts) where hosts.contains(host):
            return .ok("dns.mx", domain, hosts.joined(separator: ", "))
        case .success(let hosts):
            return .warn(
                "dns.mx", domain, "mail goes to \(hosts.joined(separator: ", ")), not to \(host)",
                cure: cure)
        case .failure(.temporary(let reason)): return .skipped("dns.mx", domain, reason)
        case .failure:
            return .fail("dns.mx", domain, "has no MX record: no mail comes", cure: cure)
        }
    }

    /// Whether the domain says that this host may send for it.
    func verdict(
        onTexts texts: Result<[String], ResolverError>, of domain: String,
        addresses: [SocketAddress], isExchanger: Bool
    ) -> Verdict {
        let cure = record(1, domain)
        let records: [SPF]
        switch texts {
        case .success(let texts): records = texts.compactMap { SPF($0) }
        case .failure(.temporary(let reason)): return .skipped("dns.spf", domain, reason)
        case .failure: records = []
        }
        guard let spf = records.first else {
            return .fail(
                "dns.spf", domain, "has no SPF record: others distrust its mail", cure: cure)
        }
        guard records.count == 1 else {
            return .fail(
                "dns.spf", domain, "has \(records.count) SPF records, so none counts",
                cure: "leave one: \(cure)")
        }
        guard sendsDirectly else {
            return .skipped(
                "dns.spf", domain, "mail leaves through a smarthost, which its record must name")
        }
        switch spf.judgement(
            of: addresses, domain: domain, host: host, isExchanger: isExchanger)
        {
        case .permits: return .ok("dns.spf", domain, "lets this host send")
        case .unclear(let term): return .ok("dns.spf", domain, "is there; \(term) decides")
        case .denies:
            return .fail("dns.spf", domain, "does not let this host send", cure: cure)
        }
    }

    /// Whether the domain says what becomes of mail that fails.
    func verdict(
        onPolicies policies: Result<[String], ResolverError>, of domain: String
    ) -> Verdict {
        switch policies {
        case .success(let texts) where texts.contains { $0.lowercased().hasPrefix("v=dmarc1") }:
            return .ok("dns.dmarc", domain, "is there")
        case .failure(.temporary(let reason)): return .skipped("dns.dmarc", domain, reason)
        case .success, .failure:
            return .warn("dns.dmarc", domain, "has no DMARC record", cure: record(2, domain))
        }
    }
}
