// SPDX-License-Identifier: Apache-2.0

/// How mail for foreign domains leaves: `mailTry`, `nodirect`, `SMTPServices.settings`, `DeliverySettings`.
package struct TransmitSettings: Equatable, Sendable {
    /// A way out.
    package enum Method: String, CaseIterable, Sendable {
        /// Through the smarthost.
        case relay
        /// To the domain's own servers.
        case direct
    }

    /// `mailTry`: which ways to try, in order.
    package var methods: [Method] = [.relay, .direct]
    /// `nodirect`: domains that are never sent to directly, nor their subdomains.
    package var noDirect: [String] = []
    /// `directPorts`: tried in order at each server; 465 is TLS from the first octet.
    package var directPorts: [UInt16] = [25]
    /// `SMTPSettings.starttlsEnable`: whether STARTTLS is used where a server offers it.
    package var usesStartTLS = true
    /// `SMTPServices.settings.timeout`, `SMTPSettings.connectTimeout`: seconds for a connection to come about.
    package var connectTimeout = 30.0
    /// `ioTimeout`: seconds to wait for each reply; the one to the final dot is given 600 at least
    /// (RFC 5321 §4.5.3.2.6: giving up earlier doubles messages).
    package var replyTimeout = 300.0
    /// `retryMinutes`: minutes until the next attempt after the first, second, … failure; the last repeats.
    package var retryMinutes: [Double] = [5, 10, 20, 40, 60, 120, 240]
    /// `retryJitterPercent`: how much each wait is varied at random, up and down.
    package var retryJitterPercent = 20
    /// `warnAfterHours`: the sender is told once that mail is delayed; 0 is never.
    package var warnAfterHours = 4.0
    /// `giveUpAfterDays`: then the message comes back.
    package var giveUpAfterDays = 5.0
    /// `deliveryReports`: also tell senders of success, as the Python program did.
    package var deliveryReports = false
    /// `holdAfterRefusals`: refused recipients of one login within an hour that get its mail held; 0 is never.
    package var holdAfterRefusals = 100
    /// `maxConnections` of all deliveries together.
    package var maxConnections = 200
    /// `maxConnectionsPerDestination` at one time.
    package var maxConnectionsPerDestination = 5
    /// `maxMessagesPerConnection`, then a new one is made.
    package var maxMessagesPerConnection = 100
    /// `maxRecipientsPerTransaction`: RFC 5321 §4.5.3.1.8 promises 100.
    package var maxRecipientsPerTransaction = 100
    /// `nameservers`: instead of those of /etc/resolv.conf.
    package var nameservers: [SocketAddress] = []
    /// `sourceIPv4`: the address to send from.
    package var sourceIPv4: SocketAddress?
    /// `sourceIPv6`: likewise.
    package var sourceIPv6: SocketAddress?
    /// `useIPv6`: whether servers are reached over IPv6.
    package var usesIPv6 = true

    /// All defaults.
    package init() {}
}

extension TransmitSettings {
    /// For a slice.
    package var json: JSON {
        [
            "methods": .strings(methods.map(\.rawValue)), "noDirect": .strings(noDirect),
            "directPorts": .array(directPorts.map { .integer(Int($0)) }),
            "usesStartTLS": .boolean(usesStartTLS), "connectTimeout": .number(connectTimeout),
            "replyTimeout": .number(replyTimeout),
            "retryMinutes": .array(retryMinutes.map(JSON.number)),
            "retryJitterPercent": .integer(retryJitterPercent),
            "warnAfterHours": .number(warnAfterHours), "giveUpAfterDays": .number(giveUpAfterDays),
            "deliveryReports": .boolean(deliveryReports),
            "holdAfterRefusals": .integer(holdAfterRefusals),
            "maxConnections": .integer(maxConnections),
            "maxConnectionsPerDestination": .integer(maxConnectionsPerDestination),
            "maxMessagesPerConnection": .integer(maxMessagesPerConnection),
            "maxRecipientsPerTransaction": .integer(maxRecipientsPerTransaction),
            "nameservers": .array(nameservers.map(\.json)),
            "sourceIPv4": sourceIPv4?.json ?? .null, "sourceIPv6": sourceIPv6?.json ?? .null,
            "usesIPv6": .boolean(usesIPv6),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        methods = try json.words(at: "methods")
        noDirect = try json.strings(at: "noDirect")
        directPorts = try json.ports(at: "directPorts")
        usesStartTLS = try json.boolean(at: "usesStartTLS")
        connectTimeout = try json.number(at: "connectTimeout")
        replyTimeout = try json.number(at: "replyTimeout")
        retryMinutes = try json.list(at: "retryMinutes") { element throws(JSONMismatch) in
            guard let minutes = element.number else {
                throw JSONMismatch(path: "retryMinutes", expected: "numbers")
            }
            return minutes
        }
        retryJitterPercent = try json.integer(at: "retryJitterPercent")
        warnAfterHours = try json.number(at: "warnAfterHours")
        giveUpAfterDays = try json.number(at: "giveUpAfterDays")
        deliveryReports = try json.boolean(at: "deliveryReports")
        holdAfterRefusals = try json.integer(at: "holdAfterRefusals")
        maxConnections = try json.integer(at: "maxConnections")
        maxConnectionsPerDestination = try json.integer(at: "maxConnectionsPerDestination")
        maxMessagesPerConnection = try json.integer(at: "maxMessagesPerConnection")
        maxRecipientsPerTransaction = try json.integer(at: "maxRecipientsPerTransaction")
        nameservers = try json.list(at: "nameservers") { element throws(JSONMismatch) in
            try SocketAddress(json: element)
        }
        sourceIPv4 = try json["sourceIPv4"]?.optionalAddress()
        sourceIPv6 = try json["sourceIPv6"]?.optionalAddress()
        usesIPv6 = try json.boolean(at: "usesIPv6")
    }
}

extension SocketAddress {
    var json: JSON { ["host": .string(host), "port": .integer(Int(port))] }

    init(json: JSON) throws(JSONMismatch) {
        guard let port = UInt16(exactly: try json.integer(at: "port")),
            let address = SocketAddress(try json.string(at: "host"), port: port)
        else { throw JSONMismatch(path: "host", expected: "an address and a port") }
        self = address
    }
}

extension JSON {
    fileprivate func optionalAddress() throws(JSONMismatch) -> SocketAddress? {
        isNull ? nil : try SocketAddress(json: self)
    }
}
