// SPDX-License-Identifier: Apache-2.0
import Common

/// An SPF record, as far as it can be judged without asking further (RFC 7208).
struct SPF: Equatable {
    /// Whether the record lets a host send.
    enum Judgement: Equatable {
        case permits
        /// Another record decides, such as an `include:`.
        case unclear(String)
        case denies
    }

    private let terms: [Substring]

    /// Takes a TXT record; nil when it is no SPF record (RFC 7208 §4.5).
    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.first?.lowercased() == "v=spf1" else { return nil }
        terms = Array(words.dropFirst())
    }

    /// Whether mail from these addresses passes.
    ///
    /// - Parameters:
    ///   - addresses: The host's.
    ///   - domain: The record's.
    ///   - host: Its name.
    ///   - isExchanger: Whether the host is one of the domain's MX.
    /// - Returns: `.denies` also where the record says neither yes nor no.
    func judgement(
        of addresses: [SocketAddress], domain: String, host: String, isExchanger: Bool
    ) -> Judgement {
        var open: Set<SocketAddress> = Set(addresses)
        for term in terms {
            let (qualifier, mechanism) = Self.split(term)
            let matched = open.filter {
                Self.matches(mechanism, $0, domain: domain, host: host, isExchanger: isExchanger)
            }
            if !matched.isEmpty {
                guard qualifier == "+" else { return .denies }
                open.subtract(matched)
                if open.isEmpty { return .permits }
            } else if Self.asksFurther(mechanism) {
                return .unclear(mechanism)
            }
        }
        return .denies
    }

    private static func split(_ term: Substring) -> (qualifier: Character, mechanism: String) {
        let qualifier = term.first.flatMap { "+-~?".contains($0) ? $0 : nil }
        let rest = qualifier == nil ? term : term.dropFirst()
        return (qualifier ?? "+", rest.lowercased())
    }

    private static func matches(
        _ mechanism: String, _ address: SocketAddress, domain: String, host: String,
        isExchanger: Bool
    ) -> Bool {
        switch mechanism {
        case "all": return true
        case "mx", "mx:\(domain)": return isExchanger
        case "a": return domain == host
        case "a:\(host)": return true
        default:
            for prefix in ["ip4:", "ip6:"] where mechanism.hasPrefix(prefix) {
                return IPNetwork(String(mechanism.dropFirst(4)))?.contains(address) ?? false
            }
            return false
        }
    }

    private static func asksFurther(_ mechanism: String) -> Bool {
        ["include:", "redirect=", "exists:", "a:", "a/", "mx:", "mx/", "ptr"].contains {
            mechanism.hasPrefix($0)
        } || mechanism == "a"
    }
}
