// SPDX-License-Identifier: Apache-2.0

/// Everything about mail that goes out: `MailRelay`, `mailTry`, `nodirect`, `DeliverySettings`.
extension ConfigurationReader {
    func readRelay(_ section: ConfigurationSection, into result: inout Configuration) {
        let isEnabled = section["enable"]?.boolean() ?? false
        let timeout = result.transmit.connectTimeout
        var smarthosts: [Smarthost] = []
        if let first = smarthost(section, connectTimeout: timeout) { smarthosts.append(first) }
        smarthosts +=
            section["more"]?.list { element in
                element.section { more in
                    let host = smarthost(more, connectTimeout: timeout)
                    if host == nil { more.fail("has no relayHost", "name the server") }
                    return host
                }
            } ?? []
        if isEnabled, smarthosts.isEmpty {
            section["enable"]?.warn(
                "no relayHost is named, so nothing is relayed",
                "name a server in relayHost, or set \"enable\": false")
        }
        result.smarthosts = isEnabled ? smarthosts : []
    }

    /// One smarthost; nil when it has no host.
    private func smarthost(
        _ section: ConfigurationSection, connectTimeout: Double
    ) -> Smarthost? {
        // An empty name means "none yet" in the Python program's own files.
        let host = section["relayHost"].flatMap { $0.json.string == "" ? nil : $0.host() }
        let username = section["relayUsername"]?.text() ?? ""
        var result = Smarthost(host: host ?? "", username: username, connectTimeout: connectTimeout)
        result.port = section["relayPort", "port"]?.port() ?? 25
        result.password = section["relayPassword"]?.text() ?? ""
        // Either of them was enough for the Python program, whose files always hold the first.
        let useSSL = section["useSSL"]?.boolean() ?? false
        result.implicitTLS = (section["ssl"]?.boolean() ?? false) || useSSL
        let startTLS = section["starttls"]
        result.startTLS =
            startTLS?.word([
                "required": .required, "opportunistic": .opportunistic, "never": .never,
            ]) ?? (username.isEmpty ? .opportunistic : .required)
        if let startTLS, !username.isEmpty, !result.implicitTLS, result.startTLS != .required {
            startTLS.warn("the password may travel unprotected", "use \"required\"")
        }
        set(&result.verifiesCertificate, section["verifyCertificate"])
        set(
            &result.usesUsernameAsSender,
            section["useRelayUsernameAsSender", "useRelayUserAsSender"])
        set(&result.connectTimeout, section["timeout"], 1...3600)
        result.senderDomains = section["senderDomains"]?.domains() ?? []
        result.recipientDomains = section["recipientDomains"]?.domains() ?? []
        return host == nil ? nil : result
    }

    func readDelivery(_ file: ConfigurationSection, into result: inout Configuration) {
        let words: KeyValuePairs<String, TransmitSettings.Method> = [
            "relay": .relay, "direct": .direct,
        ]
        if let methods = file["mailTry"]?.list({ $0.word(words) }), !methods.isEmpty {
            result.transmit.methods = methods
        }
        result.transmit.noDirect = file["nodirect"]?.domains() ?? []
        _ = file["DeliverySettings"]?.section { section in
            set(&result.transmitWorkers, section["workers"], 1...64, "processes")
            readDeliverySettings(section, into: &result.transmit)
        }
        if result.transmit.methods == [.relay], result.smarthosts.isEmpty {
            file["mailTry"]?.warn(
                "mail goes only to the smarthost, and none is enabled",
                "enable SMTPServices.MailRelay, or add \"direct\"")
        }
    }

    private func readDeliverySettings(
        _ section: ConfigurationSection, into result: inout TransmitSettings
    ) {
        if let minutes = section["retryMinutes"]?.list({ $0.number(0.01...10_080, "minutes") }) {
            if minutes.isEmpty {
                section["retryMinutes"]?.fail("is empty", "name one waiting time at least")
            } else {
                result.retryMinutes = minutes
            }
        }
        set(&result.retryJitterPercent, section["retryJitterPercent"], 0...90, "percent")
        set(&result.warnAfterHours, section["warnAfterHours"], 0...8760, "hours")
        set(&result.giveUpAfterDays, section["giveUpAfterDays"], 0.01...365, "days")
        set(&result.deliveryReports, section["deliveryReports"])
        set(
            &result.holdAfterRefusals, section["holdAfterRefusals"], 0...1_000_000, "recipients")
        set(&result.maxConnections, section["maxConnections"], 1...10_000, "connections")
        set(
            &result.maxConnectionsPerDestination, section["maxConnectionsPerDestination"], 1...1000,
            "connections")
        set(
            &result.maxMessagesPerConnection, section["maxMessagesPerConnection"], 1...100_000,
            "messages")
        set(
            &result.maxRecipientsPerTransaction, section["maxRecipientsPerTransaction"],
            1...10_000, "recipients")
        result.nameservers = section["nameservers"]?.list { $0.nameserver() } ?? []
        result.sourceIPv4 = section["sourceIPv4"]?.sourceAddress(isIPv6: false)
        result.sourceIPv6 = section["sourceIPv6"]?.sourceAddress(isIPv6: true)
        set(&result.usesIPv6, section["useIPv6"])
        if result.warnAfterHours > result.giveUpAfterDays * 24 {
            section["warnAfterHours"]?.warn(
                "mail comes back before anybody is warned",
                "give fewer hours than giveUpAfterDays has, or 0")
        }
    }
}

extension ConfigurationField {
    /// A list of domains in lower case; one alone counts as a list of one.
    func domains() -> [String]? {
        guard let names = names() else { return nil }
        return names.compactMap { name in
            let domain = name.hasPrefix(".") ? String(name.dropFirst()) : name
            guard HostName.isValid(domain) else {
                fail("\"\(name)\" is no domain", "give names such as \"example.org\"")
                return nil
            }
            return domain.lowercased()
        }
    }

    /// `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.
    fileprivate func nameserver() -> SocketAddress? {
        guard let text = json.string else { return mismatch("an IP address") }
        if let address = SocketAddress(text, port: 53) { return address }
        if let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...]), port > 0
        {
            let host = text[..<colon].filter { $0 != "[" && $0 != "]" }
            if let address = SocketAddress(host, port: port) { return address }
        }
        fail(
            "\"\(text)\" is no address", "give one such as \"192.0.2.53\" or \"[2001:db8::53]:53\"")
        return nil
    }

    fileprivate func sourceAddress(isIPv6: Bool) -> SocketAddress? {
        guard let address = address() else { return nil }
        if address.isIPv6 == isIPv6 { return address }
        fail("\(address.host) is no \(isIPv6 ? "IPv6" : "IPv4") address")
        return nil
    }
}
