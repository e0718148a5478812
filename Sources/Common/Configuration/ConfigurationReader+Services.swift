// SPDX-License-Identifier: Apache-2.0

/// `services`, of SMTP and POP3.
extension ConfigurationReader {
    /// Reads one protocol's services and adds their listeners.
    func readServices(
        _ field: ConfigurationField?, _ service: ServiceKind, into result: inout Configuration
    ) {
        for entry in field?.entries() ?? [] {
            guard let port = UInt16(entry.key), port > 0, String(port) == entry.key else {
                entry.fail("\"\(entry.key)\" is no port", "give a number from 1 to 65535 in quotes")
                continue
            }
            let groups = result.groups
            let hostname = result.hostname
            let listeners: [ListenerSettings]? = entry.section { section in
                let addresses = section["bindIP"]?.bindAddresses() ?? [Self.anyIPv4]
                var listener = ListenerSettings(
                    address: Self.anyIPv4, service: service,
                    implicitTLS: section["ssl"]?.boolean() ?? false,
                    group: group(section, among: groups), hostname: hostname)
                if let name = section["hostname"]?.hostName() { listener.hostname = name }
                listener.proxyProtocol = section["proxyProtocol"]?.networks() ?? []
                warnOfEveryone(section["proxyProtocol"], listener.proxyProtocol)
                switch service {
                case .smtp: readSMTPService(section, into: &listener)
                case .pop3:
                    if let networks = section["allowPlainLoginFrom"]?.networks() {
                        listener.allowPlainLoginFrom = networks
                    }
                }
                return addresses.map { address in
                    var copy = listener
                    copy.address = SocketAddress(octets: address.octets, port: port)
                    return copy
                }
            }
            for listener in listeners ?? [] { add(listener, of: entry, to: &result) }
        }
    }

    private static let anyIPv4 = SocketAddress(octets: [0, 0, 0, 0], port: 0)

    private func readSMTPService(
        _ section: ConfigurationSection, into listener: inout ListenerSettings
    ) {
        listener.auth =
            section["auth"]?.word([
                "none": .none, "optional": .optional, "required": .required,
            ]) ?? .optional
        listener.allowRelayFrom = section["allowRelayFrom"]?.networks() ?? []
        listener.acceptOwnDomainsFrom = section["acceptOwnDomainsFrom"]?.networks() ?? []
        if let field = section["allowRelayFrom"],
            let open = listener.allowRelayFrom.first(where: \.isEverything)
        {
            field.fail(
                "\(open) would let everybody relay", "name the networks whose hosts you know")
        }
    }

    private func group(
        _ section: ConfigurationSection, among groups: [GroupSettings]
    ) -> String {
        guard let field = section["userGroup"] else {
            section.fail(
                "has no userGroup", "name one of UserGroups, such as \"userGroup\": \"default\"")
            return ""
        }
        guard let name = field.name() else { return "" }
        if !groups.contains(where: { $0.name == name }) {
            let names = groups.map(\.name)
            field.fail(
                "there is no group \"\(name)\" in UserGroups",
                KeySpelling.nearest(to: name, among: names).map { "did you mean \"\($0)\"?" }
                    ?? (names.isEmpty
                        ? "add it there" : "known are \(names.joined(separator: ", "))"))
        }
        return name
    }

    private func warnOfEveryone(_ field: ConfigurationField?, _ networks: [IPNetwork]) {
        guard let field, let open = networks.first(where: \.isEverything) else { return }
        field.fail(
            "\(open) would let every client claim any address", "name the proxies' addresses")
    }

    private func add(
        _ listener: ListenerSettings, of entry: ConfigurationField, to result: inout Configuration
    ) {
        let other = result.listeners.first {
            $0.address.port == listener.address.port
                && $0.address.isIPv6 == listener.address.isIPv6
                && ($0.address == listener.address || $0.address.isUnspecified
                    || listener.address.isUnspecified)
        }
        if let other {
            entry.fail(
                "\(listener.address) is already taken by the \(other.service.rawValue.uppercased()) service at \(other.address)",
                "choose another port or another bindIP")
        }
        if listener.implicitTLS,
            let group = result.group(listener.group), group.certificates.isEmpty
        {
            entry.fail(
                "has ssl, but group \"\(listener.group)\" has no certificate",
                "add sslCert to UserGroups.\(listener.group)")
        }
        result.listeners.append(listener)
    }
}

extension SocketAddress {
    /// Whether it is `0.0.0.0` or `::`.
    var isUnspecified: Bool { octets.allSatisfy { $0 == 0 } }
}

extension ConfigurationField {
    /// `bindIP`: an address, several, or `*` for all of IPv4 and IPv6.
    fileprivate func bindAddresses() -> [SocketAddress]? {
        let every = ["0.0.0.0", "::"].compactMap { SocketAddress($0, port: 0) }
        if json.string == "*" { return every }
        let addresses = json.string == nil ? list { $0.address() } : address().map { [$0] }
        if let addresses, addresses.isEmpty, json.elements?.isEmpty == true {
            fail("is empty", "name an address, or \"*\" for all")
        }
        return addresses
    }
}
