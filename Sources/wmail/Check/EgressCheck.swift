// SPDX-License-Identifier: Apache-2.0
import Common

/// Whether mail gets out: to port 25 of another server, and to the smarthosts.
struct EgressCheck {
    /// Whom to try: host, port, and what to do when it does not answer.
    struct Target: Equatable {
        let check: String
        let host: String
        let port: UInt16
        /// The domain whose server to take when there is no host.
        var domain: String?
        /// Whether TLS comes first, so that no greeting can be read.
        var isImplicitTLS = false
        let cure: String
    }

    /// Seconds for a connection, and again for the greeting.
    private static let patience = 8.0

    let targets: [Target]

    /// The smarthosts that are used, and a server of a domain that everybody knows if mail goes out directly.
    init(_ configuration: Configuration, probe: String?) {
        var targets: [Target] = []
        let methods = configuration.transmit.methods
        if methods.contains(.relay) {
            targets += configuration.smarthosts.map { smarthost in
                Target(
                    check: "egress.smarthost", host: smarthost.host, port: smarthost.port,
                    isImplicitTLS: smarthost.implicitTLS,
                    cure: "check relayHost and relayPort in SMTPServices.MailRelay")
            }
        }
        if methods.contains(.direct) {
            let parts = (probe ?? "").split(separator: ":")
            targets.append(
                Target(
                    check: "egress.port25", host: parts.first.map(String.init) ?? "",
                    port: parts.count > 1 ? UInt16(parts[1]) ?? 25 : 25,
                    domain: probe == nil ? "gmail.com" : nil,
                    cure: """
                        ask your provider to open outgoing port 25, or send through a smarthost:
                        SMTPServices.MailRelay in config.json, and "mailTry": ["relay"]
                        """))
        }
        self.targets = targets
    }

    @MainActor func verdicts(asking resolver: Resolver) async -> [Verdict] {
        var verdicts: [Verdict] = []
        for target in targets { verdicts.append(await Self.verdict(on: target, resolver)) }
        return verdicts
    }

    @MainActor private static func verdict(on target: Target, _ resolver: Resolver) async -> Verdict
    {
        var host = target.host
        var subject = "\(host):\(target.port)"
        let addresses: [[UInt8]]
        do throws(ResolverError) {
            if let domain = target.domain {
                host = try await resolver.mailExchangers(of: domain).first?.host ?? domain
                subject = "\(host):\(target.port)"
            }
            addresses = try await resolver.addresses(of: host)
        } catch {
            if target.domain != nil {
                return .skipped(target.check, subject, "its address is not known: \(error.words)")
            }
            return .fail(
                target.check, subject, "its address is not known: \(error.words)", cure: target.cure
            )
        }
        var reason = ""
        // IPv4 first: where one family has no way out the other may have one.
        for octets in addresses.sorted(by: { $0.count < $1.count }).prefix(2) {
            let address = SocketAddress(octets: octets, port: target.port)
            do throws(StreamError) {
                return .ok(target.check, subject, try await greeting(of: address, target))
            } catch {
                reason = "\(address): \(error.words)"
            }
        }
        return .fail(target.check, subject, "cannot be reached: \(reason)", cure: target.cure)
    }

    /// What the server says first.
    @MainActor private static func greeting(
        of address: SocketAddress, _ target: Target
    ) async throws(StreamError) -> String {
        let connection = try await Connector.connect(to: address, until: .seconds(patience))
        defer { connection.close() }
        if target.isImplicitTLS { return "can be reached" }
        var bytes: [UInt8] = []
        _ = try await connection.read(until: .seconds(patience)) { octets in
            bytes = octets.withUnsafeBufferPointer { Array($0) }
        }
        let line = String(decoding: bytes.prefix { $0 != 0x0D && $0 != 0x0A }, as: UTF8.self)
        return line.isEmpty ? "can be reached" : "answers: \(line)"
    }
}

extension ResolverError {
    /// For people.
    var words: String {
        switch self {
        case .noSuchName: "there is no such name"
        case .noRecord: "the name has no such record"
        case .temporary(let reason): reason
        }
    }
}
