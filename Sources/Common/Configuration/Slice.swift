// SPDX-License-Identifier: Apache-2.0

/// The part of the configuration that one worker gets, and nothing else; it travels as JSON in a sealed memory file.
package protocol Slice: Equatable, Sendable {
    /// The slice for the memory file.
    var json: JSON { get }

    /// The slice out of the memory file.
    init(json: JSON) throws(JSONMismatch)
}

/// A slice that cannot be understood: master and worker are of different versions.
package enum SliceError: Error, Equatable, Sendable, CustomStringConvertible {
    case text(JSONError)
    case content(JSONMismatch)

    /// For messages and the log.
    package var description: String {
        switch self {
        case .text(let error): "slice: \(error)"
        case .content(let error): "slice: \(error)"
        }
    }
}

extension Slice {
    /// The octets for the memory file.
    package var bytes: [UInt8] { json.compactBytes }

    /// Reads what ``bytes`` wrote.
    package init(bytes: [UInt8]) throws(SliceError) {
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw .text(error)
        }
        do throws(JSONMismatch) {
            try self.init(json: json)
        } catch {
            throw .content(error)
        }
    }
}

extension JSON {
    static func listeners(_ listeners: [ListenerSettings]) -> JSON { .array(listeners.map(\.json)) }

    static func certificates(_ groups: [GroupTLS]) -> JSON { .array(groups.map(\.json)) }

    func listeners(at key: String) throws(JSONMismatch) -> [ListenerSettings] {
        try list(at: key) { element throws(JSONMismatch) in try ListenerSettings(json: element) }
    }

    func certificates(at key: String) throws(JSONMismatch) -> [GroupTLS] {
        try list(at: key) { element throws(JSONMismatch) in try GroupTLS(json: element) }
    }
}

extension Configuration {
    /// One worker's share of a limit that counts for all of them.
    static func share(_ total: Int, of workers: Int) -> Int {
        (total + workers - 1) / max(1, workers)
    }
}

/// What smtpd is told.
package struct SMTPSlice: Slice {
    /// The folder of `queue/`.
    package var root: String
    /// What this host calls itself.
    package var hostname: String
    /// In the order of the inherited sockets.
    package var listeners: [ListenerSettings]
    /// `maxConnections` and `maxMemory` in it are this one worker's share.
    package var settings: ReceptionSettings
    /// What clients of `allowRelayFrom` may send to without a login.
    package var anonymousRelay: AnonymousRelay
    /// The ways out that exist, in order; empty when mail can only stay here.
    package var methods: [TransmitSettings.Method]
    /// Domains that are never sent to directly, nor their subdomains.
    package var noDirect: [String]
    /// What handshakes may agree on.
    package var tls: TLSSettings
    /// Of every group that a listener serves and that has a certificate.
    package var certificates: [GroupTLS]

    /// A worker's slice of the configuration; certificates of groups that it does not serve are left out.
    package init(_ configuration: Configuration, certificates: [GroupTLS]) {
        root = configuration.places.state
        hostname = configuration.hostname
        listeners = configuration.listeners(of: .smtp)
        settings = configuration.reception
        settings.maxConnections = Configuration.share(
            settings.maxConnections, of: configuration.smtpWorkers)
        settings.maxMemory = Configuration.share(
            settings.maxMemory, of: configuration.smtpWorkers)
        anonymousRelay = configuration.anonymousRelay
        methods = configuration.usableMethods
        noDirect = configuration.transmit.noDirect
        tls = configuration.tls
        let groups = Set(listeners.map(\.group))
        self.certificates = certificates.filter { groups.contains($0.group) }
    }

    /// For a slice.
    package var json: JSON {
        [
            "root": .string(root), "hostname": .string(hostname),
            "listeners": .listeners(listeners), "settings": settings.json,
            "anonymousRelay": anonymousRelay.json, "methods": .strings(methods.map(\.rawValue)),
            "noDirect": .strings(noDirect), "tls": tls.json,
            "certificates": .certificates(certificates),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        root = try json.string(at: "root")
        hostname = try json.string(at: "hostname")
        listeners = try json.listeners(at: "listeners")
        settings = try ReceptionSettings(json: try json.value(at: "settings"))
        anonymousRelay = try AnonymousRelay(json: try json.value(at: "anonymousRelay"))
        methods = try json.words(at: "methods")
        noDirect = try json.strings(at: "noDirect")
        tls = try TLSSettings(json: try json.value(at: "tls"))
        certificates = try json.certificates(at: "certificates")
    }
}

/// What pop3d is told.
package struct POP3Slice: Slice {
    /// The folder of `usermanager/`.
    package var root: String
    /// What this host calls itself.
    package var hostname: String
    /// In the order of the inherited sockets.
    package var listeners: [ListenerSettings]
    /// `maxConnections` in it is this one worker's share.
    package var settings: MailboxAccessSettings
    /// What handshakes may agree on.
    package var tls: TLSSettings
    /// Of every group that a listener serves and that has a certificate.
    package var certificates: [GroupTLS]

    /// A worker's slice of the configuration; certificates of groups that it does not serve are left out.
    package init(_ configuration: Configuration, certificates: [GroupTLS]) {
        root = configuration.places.state
        hostname = configuration.hostname
        listeners = configuration.listeners(of: .pop3)
        settings = configuration.mailboxAccess
        settings.maxConnections = Configuration.share(
            settings.maxConnections, of: configuration.pop3Workers)
        tls = configuration.tls
        let groups = Set(listeners.map(\.group))
        self.certificates = certificates.filter { groups.contains($0.group) }
    }

    /// For a slice.
    package var json: JSON {
        [
            "root": .string(root), "hostname": .string(hostname),
            "listeners": .listeners(listeners), "settings": settings.json, "tls": tls.json,
            "certificates": .certificates(certificates),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        root = try json.string(at: "root")
        hostname = try json.string(at: "hostname")
        listeners = try json.listeners(at: "listeners")
        settings = try MailboxAccessSettings(json: try json.value(at: "settings"))
        tls = try TLSSettings(json: try json.value(at: "tls"))
        certificates = try json.certificates(at: "certificates")
    }
}
