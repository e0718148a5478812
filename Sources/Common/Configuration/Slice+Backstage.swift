// SPDX-License-Identifier: Apache-2.0

/// What `relayd deliver` is told.
package struct DeliverSlice: Slice {
    /// The folder of `queue/` and `usermanager/`.
    package var root: String
    /// Becomes part of the names of delivered messages.
    package var hostname: String
    /// The names of the groups, which are those of their folders.
    package var groups: [String]
    /// Days that pop3d's deleted messages are kept aside; 0 is not at all.
    package var trashDays: Double

    /// The slice of a configuration.
    package init(_ configuration: Configuration) {
        root = configuration.places.state
        hostname = configuration.hostname
        groups = configuration.groups.map(\.name)
        trashDays = configuration.mailboxAccess.trashDays
    }

    /// For a slice.
    package var json: JSON {
        [
            "root": .string(root), "hostname": .string(hostname), "groups": .strings(groups),
            "trashDays": .number(trashDays),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        root = try json.string(at: "root")
        hostname = try json.string(at: "hostname")
        groups = try json.strings(at: "groups")
        trashDays = try json.number(at: "trashDays")
    }
}

/// What `relayd transmit` is told; it alone learns the smarthost's password.
package struct TransmitSlice: Slice {
    /// The folder of `queue/`.
    package var root: String
    /// What this host calls itself.
    package var hostname: String
    /// How mail leaves; the limits of connections in it are this one worker's share.
    package var settings: TransmitSettings
    /// In order of preference.
    package var smarthosts: [Smarthost]
    /// Domains with servers of the operator's choice.
    package var localMX: LocalMX
    /// The texts of the groups' report templates; a group without one uses the built-in text.
    package var reportTemplates: [String: ReportTemplate]

    /// The slice of a configuration.
    package init(_ configuration: Configuration) {
        root = configuration.places.state
        hostname = configuration.hostname
        settings = configuration.transmit
        settings.maxConnections = Configuration.share(
            settings.maxConnections, of: configuration.transmitWorkers)
        settings.maxConnectionsPerDestination = Configuration.share(
            settings.maxConnectionsPerDestination, of: configuration.transmitWorkers)
        smarthosts = configuration.smarthosts
        localMX = configuration.localMX
        reportTemplates = [:]
        for group in configuration.groups { reportTemplates[group.name] = group.reportTemplate }
    }

    /// For a slice.
    package var json: JSON {
        let templates = reportTemplates.sorted { $0.key < $1.key }
        return [
            "root": .string(root), "hostname": .string(hostname), "settings": settings.json,
            "smarthosts": .array(smarthosts.map(\.json)), "localMX": localMX.json,
            "reportTemplates": .object(templates.map { ($0.key, .string($0.value.text)) }),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        root = try json.string(at: "root")
        hostname = try json.string(at: "hostname")
        settings = try TransmitSettings(json: try json.value(at: "settings"))
        smarthosts = try json.list(at: "smarthosts") { element throws(JSONMismatch) in
            try Smarthost(json: element)
        }
        localMX = try LocalMX(json: try json.value(at: "localMX"))
        reportTemplates = [:]
        for member in try json.value(at: "reportTemplates").members ?? [] {
            reportTemplates[member.key] = ReportTemplate(member.value.string ?? "")
        }
    }
}

/// What authd is told: where the accounts are, and whom to keep out.
package struct AuthSlice: Slice {
    /// The folder of `usermanager/`.
    package var root: String
    /// What this host calls itself.
    package var hostname: String
    /// Each has its `usermanager/<group>/group.json`.
    package var groups: [String]
    /// Whom to keep out.
    package var security: SecuritySettings

    /// The slice of a configuration.
    package init(_ configuration: Configuration) {
        root = configuration.places.state
        hostname = configuration.hostname
        groups = configuration.groups.map(\.name)
        security = configuration.security
    }

    /// For a slice.
    package var json: JSON {
        [
            "root": .string(root), "hostname": .string(hostname), "groups": .strings(groups),
            "security": security.json,
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        root = try json.string(at: "root")
        hostname = try json.string(at: "hostname")
        groups = try json.strings(at: "groups")
        security = try SecuritySettings(json: try json.value(at: "security"))
    }
}
