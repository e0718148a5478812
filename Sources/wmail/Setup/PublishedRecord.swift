// SPDX-License-Identifier: Apache-2.0
import Common

/// A record that the operator publishes in the DNS.
struct PublishedRecord: Equatable {
    let name: String
    let type: String
    let value: String
    /// What it is for, and who sets it if not the owner of the zone.
    let note: String

    /// As a line of a zone file.
    var line: String { "\(name). IN \(type) \(value)" }

    /// For `--json`.
    var json: JSON {
        [
            "name": .string(name), "type": .string(type), "value": .string(value),
            "note": .string(note),
        ]
    }
}

/// Which records a mail server needs.
enum PublishedRecords {
    /// Those of the host itself.
    ///
    /// - Parameters:
    ///   - host: Its name.
    ///   - addresses: Under which the world reaches it; empty when not known.
    /// - Returns: Its address and reverse records.
    static func ofHost(_ host: String, addresses: [SocketAddress]) -> [PublishedRecord] {
        if addresses.isEmpty {
            return [
                PublishedRecord(
                    name: host, type: "A", value: "<this host's IPv4 address>",
                    note: "and AAAA, if it is reached over IPv6"),
                PublishedRecord(
                    name: "<its reverse name>", type: "PTR", value: "\(host).",
                    note: "set by whoever gave you the address"),
            ]
        }
        return addresses.map { address in
            PublishedRecord(
                name: host, type: address.isIPv6 ? "AAAA" : "A", value: address.host,
                note: "the host")
        }
            + addresses.map { address in
                PublishedRecord(
                    name: address.reverseName, type: "PTR", value: "\(host).",
                    note: "set by whoever gave you the address")
            }
    }

    /// Those of one mail domain.
    static func ofDomain(_ domain: String, host: String) -> [PublishedRecord] {
        [
            PublishedRecord(
                name: domain, type: "MX", value: "10 \(host).", note: "mail comes to this host"),
            PublishedRecord(
                name: domain, type: "TXT", value: "\"v=spf1 mx -all\"",
                note: "SPF: mail comes from this host alone; add include:… for a smarthost"),
            PublishedRecord(
                name: "_dmarc.\(domain)", type: "TXT",
                value: "\"v=DMARC1; p=none; rua=mailto:postmaster@\(domain)\"",
                note: "DMARC: what others do with mail that fails; tighten p=none later"),
        ]
    }

    /// A line each, with what it is for behind it.
    static func text(_ records: [PublishedRecord]) -> String {
        records.map { "  \($0.line)\n      ; \($0.note)\n" }.joined()
    }
}
