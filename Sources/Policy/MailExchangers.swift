// SPDX-License-Identifier: Apache-2.0
package import Common
package import Mail

/// What the DNS says about a domain's servers, and what follows from it (RFC 5321 §5.1, RFC 7505).
package enum MailExchangers: Equatable, Sendable {
    /// Host names in the order to try them; the domain itself where it has no MX records.
    case servers([String])
    /// There are none, for now or for good.
    case none(Outcome)

    /// A record of a domain; the empty host is the root.
    package typealias Record = (preference: UInt16, host: String)

    /// Judges the answer to the question for MX records.
    ///
    /// - Parameters:
    ///   - domain: The one that was asked for.
    ///   - answer: Its records, in any order.
    ///   - isOurselves: Whether a host name is one of this server's.
    ///   - generator: Decides among equal preferences.
    package init(
        of domain: Domain, _ answer: Result<[Record], ResolverError>,
        isOurselves: (String) -> Bool, using generator: inout some RandomNumberGenerator
    ) {
        switch answer {
        case .failure(.noRecord):
            // The implicit MX: preference 0, the domain itself.
            self.init(of: domain, sorted: [(0, domain.ascii)], isOurselves: isOurselves)
        case .failure(let error):
            self = .none(Self.outcome(of: error, looking: "mail servers", for: domain.ascii))
        case .success(let records):
            if records.count == 1, records[0].host.isEmpty {
                // RFC 7505 §3, §4.
                self = .none(
                    Outcome(
                        .permanent, EnhancedStatus(.permanent, 1, 10), at: .routing,
                        "\(domain.ascii) takes no mail (null MX)"))
                return
            }
            let named = records.filter { !$0.host.isEmpty }.shuffled(using: &generator)
            let sorted = named.enumerated().sorted {
                ($0.element.preference, $0.offset) < ($1.element.preference, $1.offset)
            }.map(\.element)
            self.init(of: domain, sorted: sorted, isOurselves: isOurselves)
        }
    }

    /// Cuts the list at ourselves: whoever is no better than we are would send the mail back to us.
    private init(of domain: Domain, sorted: [Record], isOurselves: (String) -> Bool) {
        let own = sorted.first { isOurselves($0.host) }?.preference
        let better = sorted.filter { record in own.map { record.preference < $0 } ?? true }
        if better.isEmpty, own != nil {
            self = .none(
                Outcome(
                    .permanent, .loop, at: .routing,
                    "the DNS says that mail for \(domain.ascii) comes to this server, which is not set up for it"
                ))
        } else if better.isEmpty {
            self = .none(Self.unusable(domain.ascii))
        } else {
            var seen: Set<String> = []
            self = .servers(better.map { $0.host.lowercased() }.filter { seen.insert($0).inserted })
        }
    }

    /// What follows when none of a domain's servers has an address.
    ///
    /// - Parameters:
    ///   - domain: The recipient's.
    ///   - isImplicit: Whether the domain itself was the only server.
    ///   - errors: What came of each look-up.
    /// - Returns: Temporary unless the domain itself has no address.
    package static func outcome(
        of domain: Domain, isImplicit: Bool, withoutAddress errors: [ResolverError]
    ) -> Outcome {
        for error in errors {
            if case .temporary = error {
                return outcome(of: error, looking: "the servers", for: domain.ascii)
            }
        }
        // Names of servers that do not exist are somebody's slip, which may be mended before the time is over.
        return isImplicit
            ? Outcome(
                .permanent, EnhancedStatus(.permanent, 1, 2), at: .routing,
                "\(domain.ascii) has neither mail servers nor an address")
            : unusable(domain.ascii)
    }

    private static func unusable(_ name: String) -> Outcome {
        Outcome(
            .temporary, EnhancedStatus(.temporary, 4, 4), at: .routing,
            "none of the mail servers of \(name) has an address")
    }

    /// What a failed look-up means for a message.
    ///
    /// - Parameters:
    ///   - error: The resolver's.
    ///   - what: Was looked for, such as `mail servers`.
    ///   - name: The domain or host.
    /// - Returns: Temporary where there was no answer, else permanent.
    package static func outcome(
        of error: ResolverError, looking what: String, for name: String
    ) -> Outcome {
        switch error {
        case .noSuchName:
            Outcome(
                .permanent, EnhancedStatus(.permanent, 1, 2), at: .routing,
                "the domain \(name) does not exist")
        case .noRecord:
            Outcome(
                .permanent, EnhancedStatus(.permanent, 1, 2), at: .routing,
                "\(name) has no \(what)")
        case .temporary(let reason):
            Outcome(
                .temporary, EnhancedStatus(.temporary, 4, 3), at: .routing,
                "looking for \(what) of \(name): \(reason)")
        }
    }
}
