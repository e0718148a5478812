// SPDX-License-Identifier: Apache-2.0

/// `SMTPServices` and the hidden `SMTPSettings`.
extension ConfigurationReader {
    func readSMTP(_ section: ConfigurationSection, into result: inout Configuration) {
        _ = section["settings"]?.section { readSettings($0, into: &result) }
        readServices(section["services"], .smtp, into: &result)
        _ = section["MailRelay"]?.section { readRelay($0, into: &result) }
        _ = section["SMTPWhiteList", "smtp_whitelist"]?.section {
            readWhiteList($0, into: &result.anonymousRelay)
        }
    }

    private func readSettings(_ section: ConfigurationSection, into result: inout Configuration) {
        var settings = result.reception
        if let field = section["capabilities"] {
            settings.capabilities = capabilities(field) ?? settings.capabilities
        }
        if let megabytes = section["maxMessageSize"]?.number(0.001...2047, "MB") {
            settings.maxMessageSize = Int(megabytes * 1_048_576)
        }
        if let field = section["maxRecipients"], let count = field.integer(1...50_000, "recipients")
        {
            settings.maxRecipients = count
            if count < 100 {
                field.warn(
                    "list servers expect to name 100 recipients at least (RFC 5321 §4.5.3.1.8)",
                    "remove the key, unless you mean it")
            }
        }
        if let kilobytes = section["maxHeaderSize"]?.integer(16...65_536, "KB") {
            settings.maxHeaderSize = kilobytes << 10
        }
        set(&settings.maxReceivedFields, section["maxReceivedFields"], 5...1000, "Received fields")
        set(&settings.maxConnections, section["maxConnections"], 1...1_000_000, "connections")
        if let megabytes = section["maxMemory"]?.integer(16...65_536, "MB") {
            settings.maxMemory = megabytes << 20
        }
        set(&settings.greetingTimeout, section["greetingTimeout"], 1...3600)
        set(&settings.commandTimeout, section["commandTimeout"], 1...86_400)
        set(&settings.dataTimeout, section["dataTimeout"], 1...86_400)
        set(&settings.minDataRate, section["minDataRate"], 0...1_000_000, "octets a second")
        set(&settings.handshakeTimeout, section["handshakeTimeout"], 1...600)
        set(&settings.rejectOwnDomainsFromOutside, section["rejectOwnDomainsFromOutside"])
        set(&settings.senderMustBelongToLogin, section["senderMustBelongToLogin"])
        set(&settings.headerFromMustBelongToLogin, section["headerFromMustBelongToLogin"])
        set(&settings.hideClientAddress, section["hideClientAddress"])
        set(&settings.repairLineEndings, section["repairLineEndings"])
        set(&result.smtpWorkers, section["workers"], 1...256, "processes")
        // Of the mail that goes out, as the Python program's own notes say; see ReceptionSettings for clients.
        set(&result.transmit.connectTimeout, section["timeout"], 1...3600)
        set(&result.transmit.replyTimeout, section["ioTimeout"], 1...3600)
        if let ports = section["directPorts"]?.list({ $0.port() }), !ports.isEmpty {
            result.transmit.directPorts = ports
        }
        result.reception = settings
    }

    private func capabilities(_ field: ConfigurationField) -> OfferedCapabilities? {
        var result = OfferedCapabilities()
        var listed: Set<String> = []
        let known = OfferedCapabilities.known + OfferedCapabilities.later
        let lines = field.list { element -> [String]? in
            guard let line = element.name()?.uppercased() else { return nil }
            var words = line.split(separator: " ").map(String.init)
            if let first = words.first, first.hasPrefix("AUTH=") {
                result.offersOldAuthentication = true
                words[0] = String(first.dropFirst(5))
                words.insert("AUTH", at: 0)
            }
            guard let keyword = words.first, known.contains(keyword) else {
                element.warn(
                    "is no extension that this server has, so it is not offered",
                    KeySpelling.nearest(to: words.first ?? "", among: known)
                        .map { "did you mean \"\($0)\"?" } ?? "remove it")
                return nil
            }
            listed.insert(keyword)
            return keyword == "AUTH" ? Array(words.dropFirst()) : []
        }
        guard let lines else { return nil }
        result.withheld = OfferedCapabilities.known.filter { !listed.contains($0) }
        let mechanisms = lines.joined().filter(["PLAIN", "LOGIN"].contains)
        if !mechanisms.isEmpty {
            result.mechanisms = mechanisms.reduce(into: []) { list, mechanism in
                if !list.contains(mechanism) { list.append(mechanism) }
            }
        }
        return result
    }

    private func readWhiteList(
        _ section: ConfigurationSection, into result: inout AnonymousRelay
    ) {
        result.mode =
            section["mode"]?.word([
                "disable": .disable, "whitelist": .whitelist, "blacklist": .blacklist,
            ]) ?? .disable
        result.whitelist = patterns(section["whitelist"])
        result.blacklist = patterns(section["blacklist"])
    }

    private func patterns(_ field: ConfigurationField?) -> [Wildcard] {
        let texts = field?.list { $0.text() } ?? []
        return texts.map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }.map { Wildcard($0) }
    }

    /// The section that the Python program obeyed without ever writing it into a file.
    func readHiddenSMTP(_ section: ConfigurationSection, into result: inout Configuration) {
        set(&result.transmit.connectTimeout, section["timeout"], 1...3600)
        set(&result.transmit.connectTimeout, section["connectTimeout"], 1...3600)
        set(&result.transmit.replyTimeout, section["ioTimeout"], 1...3600)
        set(&result.transmit.usesStartTLS, section["starttlsEnable"])
        set(&result.anonymousRelay.isAllowed, section["allowAnonymousRelay"])
        disableImplicitTLS(section["disableSslPorts"], of: &result.listeners)
        for key in ["relayMode", "relayList"] {
            section[key]?.warn(
                "has never had an effect", "use SMTPServices.SMTPWhiteList and allowRelayFrom")
        }
    }
}

extension ConfigurationReader {
    /// `disableSslPorts`: true for all SMTP services, or a list of their ports.
    private func disableImplicitTLS(
        _ field: ConfigurationField?, of listeners: inout [ListenerSettings]
    ) {
        guard let field, field.json != false else { return }
        let ports = field.json == true ? nil : field.list { $0.port() } ?? []
        var isAny = false
        for index in listeners.indices
        where listeners[index].service == .smtp && listeners[index].implicitTLS
            && ports?.contains(listeners[index].address.port) != false
        {
            listeners[index].implicitTLS = false
            isAny = true
        }
        if isAny {
            field.warn(
                "SMTP services named here do not begin with TLS, whatever their \"ssl\" says",
                "remove the key, unless something in front of this server speaks TLS")
        }
    }
}

/// Settings that keep their default when the key is absent or wrong.
extension ConfigurationReader {
    func set(_ value: inout Bool, _ field: ConfigurationField?) {
        value = field?.boolean() ?? value
    }

    func set(
        _ value: inout Int, _ field: ConfigurationField?, _ range: ClosedRange<Int>, _ unit: String
    ) {
        value = field?.integer(range, unit) ?? value
    }

    /// Seconds; fractions count.
    func set(
        _ value: inout Double, _ field: ConfigurationField?, _ range: ClosedRange<Double>,
        _ unit: String = "seconds"
    ) {
        value = field?.number(range, unit) ?? value
    }
}
