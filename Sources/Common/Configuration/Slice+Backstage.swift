// SPDX-License-Identifier: Apache-2.0

/// What `relayd deliver` is told.
package struct DeliverSlice: Slice {
    /// The folder of `queue/` and `usermanager/`.
    package var root: String
    /// Becomes part of the names of delivered messages.
    package var hostname: String
    package var groups: [String]
    /// Days that pop3d's deleted messages are kept aside; 0 is not at all.
    package var trashDays: Double

    package init(_ configuration: Configuration) {
        root = configuration.places.state
        hostname = configuration.hostname
        groups = configuration.groups.map(\.name)
        trashDays = configuration.mailboxAccess.trashDays
    }

    package var json: JSON {
        [
            "root": .string(root), "hostname": .string(hostname), "groups": .strings(groups),
            "trashDays": .number(trashDays),
        ]
    }

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
    package var hostname: String
    package var settings: TransmitSettings
    /// In order of preference.
    package var smarthosts: [Smarthost]
    package var localMX: LocalMX
    /// The texts of the groups' report templates; a group without one uses the built-in text.
    package var reportTemplates: [String: ReportTemplate]

    package init(_ configuration: Configuration) {
        root = configuration.places.state
        hostname = configuration.hostname
        settings = configuration.transmit
        smarthosts = configuration.smarthosts
        localMX = configuration.localMX
        reportTemplates = [:]
        for group in configuration.groups { reportTemplates[group.name] = group.reportTemplate }
    }

    package var json: JSON {
        let templates = reportTemplates.sorted { $0.key < $1.key }
        return [
            "root": .string(root), "hostname": .string(hostname), "settings": settings.json,
            "smarthosts": .array(smarthosts.map(\.json)), "localMX": localMX.json,
            "reportTemplates": .object(templates.map { ($0.key, .string($0.value.text)) }),
        ]
    }

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
    package var hostname: String
    /// Each has its `usermanager/<group>/group.json`.
    package var groups: [String]
    package var security: SecuritySettings

    package init(_ configuration: Configuration) {
        root = configuration.places.state
        hostname = configuration.hostname
        groups = configuration.groups.map(\.name)
        security = configuration.security
    }

    package var json: JSON {
        [
            "root": .string(root), "hostname": .string(hostname), "groups": .strings(groups),
            "security": security.json,
        ]
    }

    package init(json: JSON) throws(JSONMismatch) {
        root = try json.string(at: "root")
        hostname = try json.string(at: "hostname")
        groups = try json.strings(at: "groups")
        security = try SecuritySettings(json: try json.value(at: "security"))
    }
}
