// SPDX-License-Identifier: Apache-2.0
import Common

/// Whether each configured port is ours, free or taken.
enum PortCheck {
    /// The server's programs, and systemd, which opens ports for them.
    private static let own: Set<String> = ["master", "smtpd", "pop3d", "systemd", "init"]
    /// How Debian's mail servers are stopped, by the program that listens.
    private static let services = [
        "exim4": "exim4", "sendmail": "sendmail", "sendmail-mta": "sendmail", "smtpd": "opensmtpd",
        "dovecot": "dovecot", "pop3-login": "dovecot", "courierpop3d": "courier-pop",
    ]

    static func verdicts(
        of configuration: Configuration, listening: ListeningPorts
    ) -> [Verdict] {
        let listeners = configuration.listeners.map { listener in
            (listener, listening.sockets(at: listener.address))
        }
        // Of a server that is down one line is enough.
        if listeners.allSatisfy({ $0.1.isEmpty }) {
            let ports = Set(listeners.map(\.0.address.port)).sorted().map { String($0) }
            return [
                .warn(
                    "port", ports.joined(separator: ", "),
                    "free, and nobody listens: the server is down",
                    cure: start(configuration.places))
            ]
        }
        return listeners.map { listener, sockets in
            verdict(listener, sockets, listening, configuration.places)
        }
    }

    private static func verdict(
        _ listener: ListenerSettings, _ sockets: [ListeningPorts.Socket],
        _ listening: ListeningPorts, _ places: Places
    ) -> Verdict {
        let subject = "\(listener.service.rawValue) \(listener.address)"
        if sockets.isEmpty {
            return .warn("port", subject, "nobody listens", cure: start(places))
        }
        let holders = sockets.flatMap { listening.holders[$0.inode] ?? [] }
        if holders.isEmpty {
            return .skipped(
                "port", subject, "somebody listens, whose processes we may not see",
                cure: "run it as root")
        }
        // postfix's master has the name of ours; its children tell them apart.
        let strange = holders.filter { !own.contains($0.name) }.min { $0.process < $1.process }
        guard let strange else { return .ok("port", subject, "the server listens") }
        let name = services[strange.name] ?? strange.name
        return .fail(
            "port", subject, "taken by \(strange.name) (process \(strange.process))",
            cure: "systemctl disable --now \(name)   # or give this service another port")
    }

    private static func start(_ places: Places) -> String {
        places == .installed
            ? "systemctl start wmailserver && journalctl -u wmailserver -n 20"
            : "master --root \(places.state)"
    }
}
