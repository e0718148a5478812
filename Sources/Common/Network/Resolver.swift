// SPDX-License-Identifier: Apache-2.0

/// Why the DNS gave nothing.
package enum ResolverError: Error, Equatable, Sendable {
    /// The name does not exist (NXDOMAIN): asking again will not help.
    case noSuchName
    /// The name exists and has no such record.
    case noRecord
    /// No answer, or none that says anything: perhaps later.
    case temporary(String)
}

/// Asks name servers, on the event loop: UDP, TCP for long answers, with a cache.
///
/// Its own client and not the C library's, because mail must tell "does not exist" from "cannot say", must not
/// wait in a thread for each name of a long queue, and because the sandbox allows no plug-ins;
/// docs/decisions has the whole reason.
@MainActor
package final class Resolver {
    private struct Question: Hashable {
        let name: String
        let type: DNSType
    }
    typealias Answer = Result<[DNSRecord], ResolverError>

    /// Waits for each name server, in seconds, in each round.
    private static let patience: [Double] = [1.5, 3, 5]
    private static let cacheLimit = 20_000
    /// Bounds of a record's time to live in the cache, in seconds.
    private static let cacheSeconds: ClosedRange<Double> = 5...3600
    /// How long "does not exist" is believed (RFC 2308 §5 allows as much as its SOA says; less is always right).
    private static let negativeSeconds = 60.0
    /// RFC 1034 §3.6.2: chains of aliases are followed, loops are not.
    private static let aliasLimit = 8

    private let servers: [SocketAddress]
    private let hosts: [String: [[UInt8]]]
    private var cache: [Question: (until: Deadline, answer: Answer)] = [:]
    private var asking: [Question: Task<Answer, Never>] = [:]

    /// A resolver that asks the given servers, in this order.
    ///
    /// - Parameters:
    ///   - servers: At least one, or every question is in vain.
    ///   - hosts: Names that need no question, as `/etc/hosts` has them.
    package init(servers: [SocketAddress], hosts: [String: [[UInt8]]] = [:]) {
        self.servers = servers
        self.hosts = hosts
    }

    /// The addresses of a host, IPv6 and IPv4, 4 or 16 octets each.
    ///
    /// - Parameters:
    ///   - host: A name, or an address as text.
    ///   - includesIPv6: Whether AAAA is asked for.
    /// - Returns: At least one.
    /// - Throws: `ResolverError`; `.temporary` only when neither question was answered with an address.
    package func addresses(
        of host: String, includesIPv6: Bool = true
    ) async throws(ResolverError) -> [[UInt8]] {
        if let own = SocketAddress(host, port: 0) { return [own.octets] }
        if let known = hosts[host.lowercased()] { return known }
        // RFC 6761 §6.3: never a question.
        if host.lowercased() == "localhost" {
            return [[127, 0, 0, 1], [UInt8](repeating: 0, count: 15) + [1]]
        }
        async let first = resolve(host, .a)
        let second: Answer = includesIPv6 ? await resolve(host, .aaaa) : .failure(.noRecord)
        var found: [[UInt8]] = []
        var failures: [ResolverError] = []
        for answer in [second, await first] {
            switch answer {
            case .success(let records):
                for case .address(let octets) in records.map(\.value) { found.append(octets) }
            case .failure(let error): failures.append(error)
            }
        }
        if !found.isEmpty { return found }
        for error in failures { if case .temporary = error { throw error } }
        throw failures.contains(.noSuchName) ? .noSuchName : .noRecord
    }

    /// The mail exchangers of a domain by preference, those of equal preference in random order.
    ///
    /// - Throws: `ResolverError`.
    package func mailExchangers(
        of domain: String
    ) async throws(ResolverError) -> [(preference: UInt16, host: String)] {
        var found: [(preference: UInt16, host: String)] = []
        for record in try await resolve(domain, .mx).get() {
            if case .mailExchanger(let preference, let host) = record.value {
                found.append((preference, host))
            }
        }
        if found.isEmpty { throw .noRecord }
        found.shuffle()
        // Stable: equal ones stay in the random order.
        return found.enumerated().sorted {
            ($0.element.preference, $0.offset) < ($1.element.preference, $1.offset)
        }.map(\.element)
    }

    /// The names that an address is said to have, in the order of the answer.
    ///
    /// - Parameter address: Its port does not matter.
    /// - Returns: At least one.
    /// - Throws: `ResolverError`.
    package func names(of address: SocketAddress) async throws(ResolverError) -> [String] {
        try await resolve(address.reverseName, .ptr).get().compactMap {
            if case .pointer(let name) = $0.value { name } else { nil }
        }
    }

    /// The texts of a name, in the order of the answer.
    ///
    /// - Throws: `ResolverError`.
    package func texts(of name: String) async throws(ResolverError) -> [String] {
        try await resolve(name, .txt).get().compactMap {
            if case .text(let text) = $0.value { text } else { nil }
        }
    }

    /// The records of a type that a name has, aliases followed.
    private func resolve(_ name: String, _ type: DNSType) async -> Answer {
        var name = name.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        for _ in 0..<Self.aliasLimit {
            let records: [DNSRecord]
            switch await lookUp(Question(name: name, type: type)) {
            case .failure(let error): return .failure(error)
            case .success(let found): records = found
            }
            // The server has followed aliases as far as it knew them.
            var aliases: [String: String] = [:]
            for record in records {
                if case .canonicalName(let target) = record.value { aliases[record.name] = target }
            }
            var end = name
            for _ in 0..<Self.aliasLimit { end = aliases[end] ?? end }
            let wanted = records.filter { record in
                guard record.name == end else { return false }
                switch (record.value, type) {
                case (.address(let octets), .a): return octets.count == 4
                case (.address(let octets), .aaaa): return octets.count == 16
                case (.mailExchanger, .mx), (.pointer, .ptr), (.text, .txt): return true
                default: return false
                }
            }
            if !wanted.isEmpty { return .success(wanted) }
            guard end != name else { return .failure(.noRecord) }
            name = end
        }
        return .failure(.temporary("too many aliases"))
    }

    /// The answer from the cache, or from a question that is under way, or from a new one.
    private func lookUp(_ question: Question) async -> Answer {
        if let known = cache[question], known.until > .now { return known.answer }
        if let task = asking[question] { return await task.value }
        let task = Task { await ask(question) }
        asking[question] = task
        let answer = await task.value
        asking[question] = nil
        let seconds: Double
        switch answer {
        case .success(let records):
            let least = records.map { Double($0.timeToLive) }.min() ?? 0
            seconds = min(max(least, Self.cacheSeconds.lowerBound), Self.cacheSeconds.upperBound)
        case .failure(.temporary): seconds = 0
        case .failure: seconds = Self.negativeSeconds
        }
        if cache.count >= Self.cacheLimit { cache.removeAll() }
        if seconds > 0 { cache[question] = (.seconds(seconds), answer) }
        return answer
    }

    private func ask(_ question: Question) async -> Answer {
        var trouble = "no name server is configured"
        for patience in Self.patience {
            for server in servers {
                let id = UInt16.random(in: .min ... .max)
                guard let query = DNSMessage.query(id: id, name: question.name, type: question.type)
                else { return .failure(.noSuchName) }
                do throws(StreamError) {
                    let deadline = Deadline.seconds(patience)
                    var response = try await DNSExchange.overUDP(query, server, until: deadline)
                    if response.isTruncated {
                        response = try await DNSExchange.overTCP(query, server, until: deadline)
                    }
                    switch response.code {
                    case 0:
                        return response.answers.isEmpty
                            ? .failure(.noRecord) : .success(response.answers)
                    case 3: return .failure(.noSuchName)
                    case let code: trouble = "\(server) answered with code \(code)"
                    }
                } catch {
                    trouble = "\(server): \(error.words)"
                }
            }
        }
        return .failure(.temporary(trouble))
    }
}
