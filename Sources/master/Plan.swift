// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Everything that the workers of one generation are started with.
struct Plan {
    let configuration: Configuration
    /// In the order of starting.
    let slots: [Slot]
    /// The listening sockets of each service, in the order of its slice.
    let sockets: [Service: [ListeningSocket]]
    /// The part of the configuration that each service gets.
    let slices: [Service: [UInt8]]
    private let credentials: [String: [TLSCredential]]

    /// Opens what a configuration needs.
    ///
    /// - Parameters:
    ///   - configuration: As read and checked.
    ///   - open: The sockets that are open already: from systemd, or of the generation that serves.
    /// - Throws: `ConfigurationError` for certificates, ``ListenError`` for ports.
    init(_ configuration: Configuration, sockets open: [ListeningSocket]) throws {
        let credentials = try Self.credentials(of: configuration)
        let smtp = configuration.listeners(of: .smtp)
        let pop3 = configuration.listeners(of: .pop3)
        self.init(
            configuration,
            sockets: [
                .smtpd: try open.sockets(for: smtp.map(\.address)),
                .pop3d: try open.sockets(for: pop3.map(\.address)),
            ], credentials: credentials)
    }

    /// Until when the certificates are good.
    var certificates: CertificateWatch { CertificateWatch(credentials) }

    /// The same with new TLS ticket keys.
    func renewed() -> Plan {
        Plan(configuration, sockets: sockets, credentials: credentials)
    }

    private init(
        _ configuration: Configuration, sockets: [Service: [ListeningSocket]],
        credentials: [String: [TLSCredential]]
    ) {
        self.configuration = configuration
        self.sockets = sockets
        self.credentials = credentials
        slots = Self.slots(of: configuration)
        // Its own ticket key for each service and group, so that no ticket is good elsewhere.
        func tls() -> [GroupTLS] {
            configuration.groups.compactMap { group in
                credentials[group.name].map {
                    GroupTLS(group: group.name, credentials: $0, ticketKey: randomBytes(80))
                }
            }
        }
        slices = [
            .authd: AuthSlice(configuration).bytes,
            .deliver: DeliverSlice(configuration).bytes,
            .transmit: TransmitSlice(configuration).bytes,
            .smtpd: SMTPSlice(configuration, certificates: tls()).bytes,
            .pop3d: POP3Slice(configuration, certificates: tls()).bytes,
        ]
    }

    /// The certificates of all groups, by group.
    ///
    /// - Throws: Everything that is wrong with them.
    static func credentials(
        of configuration: Configuration
    ) throws(ConfigurationError) -> [String: [TLSCredential]] {
        var problems: [ConfigurationProblem] = []
        var result: [String: [TLSCredential]] = [:]
        for group in configuration.groups {
            for files in group.certificates {
                do throws(ConfigurationError) {
                    result[group.name, default: []].append(try files.read())
                } catch {
                    problems += error.problems
                }
            }
        }
        guard problems.isEmpty else { throw ConfigurationError(problems) }
        return result
    }

    /// How many of each: a service without a port needs nobody.
    static func slots(of configuration: Configuration) -> [Slot] {
        Service.allCases.flatMap { service in
            let count =
                switch service {
                case .authd, .deliver: 1
                case .transmit: configuration.transmitWorkers
                case .smtpd:
                    configuration.listeners(of: .smtp).isEmpty ? 0 : configuration.smtpWorkers
                case .pop3d:
                    configuration.listeners(of: .pop3).isEmpty ? 0 : configuration.pop3Workers
                }
            return (0..<count).map { Slot(service: service, index: $0) }
        }
    }

    /// All that is open, to be used again.
    var openSockets: [ListeningSocket] { sockets.values.flatMap(\.self) }
}

extension HostFacts {
    /// This machine's, but no more workers than it takes to be faster than any disk.
    static var forWorkers: Self {
        var facts = Self.current
        facts.processors = min(facts.processors, 4)
        return facts
    }
}
