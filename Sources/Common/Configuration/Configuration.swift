// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Everything that an instance is told by its configuration files, checked.
package struct Configuration: Equatable, Sendable {
    /// Where the instance keeps its files.
    package var places: Places
    /// `hostname`: what this host calls itself; by default the system's name.
    package var hostname: String
    /// Every address of every service, SMTP before POP3, each in the order of the file.
    package var listeners: [ListenerSettings] = []
    /// `UserGroups`, in the order of the file.
    package var groups: [GroupSettings] = []
    /// `SMTPServices.settings.workers`: processes; by default one per processor, as `HostFacts` counts them.
    package var smtpWorkers = 1
    /// `POP3Services.settings.workers`: likewise.
    package var pop3Workers = 1
    /// `DeliverySettings.workers`: processes; one is enough but for very slow disks.
    package var transmitWorkers = 1
    /// How smtpd serves.
    package var reception = ReceptionSettings()
    /// How pop3d serves.
    package var mailboxAccess = MailboxAccessSettings()
    /// Whom authd keeps out.
    package var security = SecuritySettings()
    /// What may be relayed without a login.
    package var anonymousRelay = AnonymousRelay()
    /// `SMTPServices.MailRelay`, in order of preference; empty when it is not enabled.
    package var smarthosts: [Smarthost] = []
    /// How mail for foreign domains leaves.
    package var transmit = TransmitSettings()
    /// What handshakes may agree on.
    package var tls = TLSSettings()
    /// `localMX.json`.
    package var localMX = LocalMX()
    /// What is allowed and yet may surprise.
    package var warnings: [ConfigurationProblem] = []

    /// The text of `config.json` as it was read; empty where it was not read from there.
    package var text: [UInt8] = []
    /// The text of `localMX.json` likewise.
    package var localMXText: [UInt8] = []

    /// Nothing but defaults.
    package init(places: Places, hostname: String) {
        self.places = places
        self.hostname = hostname
    }

    /// `mailTry` without the smarthost where there is none.
    package var usableMethods: [TransmitSettings.Method] {
        transmit.methods.filter { $0 == .direct || !smarthosts.isEmpty }
    }

    /// The listeners of one service.
    package func listeners(of service: ServiceKind) -> [ListenerSettings] {
        listeners.filter { $0.service == service }
    }

    /// A group by its name.
    package func group(_ name: String) -> GroupSettings? {
        groups.first { $0.name == name }
    }
}

/// What the defaults depend on.
package struct HostFacts: Equatable, Sendable {
    /// What the system calls this host.
    package var hostname: String
    /// How many processors there are to use.
    package var processors: Int

    /// Facts for a test, or with other limits.
    package init(hostname: String, processors: Int) {
        self.hostname = hostname
        self.processors = processors
    }

    /// Those of this machine.
    package static var current: Self {
        var buffer = [CChar](repeating: 0, count: 256)
        let failed = gethostname(&buffer, buffer.count - 1) != 0
        let name = String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return Self(
            hostname: failed || !HostName.isValid(name) ? "localhost" : name.lowercased(),
            processors: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }
}
