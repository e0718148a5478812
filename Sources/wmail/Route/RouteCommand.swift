// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Directory
import Mail
import Policy

/// `wmail route`: what becomes of mail from one address to another.
struct RouteCommand: WaitingCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Shows who may send what to whom, and which way it goes.",
        discussion: """
            Prints the decision of the server's own policy with its reason, and the servers that mail would go to. \
            Nothing is sent. Ends with 0 when the mail would be taken, 2 when it would be refused.
            """)

    @Argument(help: "The envelope's sender; <> for the null sender.") var from: String
    @Argument(help: "The recipient.") var to: String
    @Option(help: ArgumentHelp("As if this user had logged in.", valueName: "user"))
    var auth: String?
    @Option(
        name: .customLong("from-ip"),
        help: ArgumentHelp(
            "The client's address; by default one that no list names.", valueName: "address"))
    var client: String?
    @Option(
        help:
            "The port that it comes to; by default 587 or the like for a login, else 25 or the like."
    )
    var port: UInt16?
    @Flag(help: "Do not ask the DNS for servers.") var noDNS = false
    @OptionGroup var common: CommonOptions

    @MainActor func answer() async throws(Failure) -> Answer {
        let instance = try Instance(common.places)
        let configuration = try instance.configuration()
        let question = try question(configuration)
        let group = question.listener.group
        guard let file = try instance.accounts().first(where: { $0.group == group }) else {
            throw Failure("there is no group \(group)", cure: "wmail group list")
        }
        let decision = try Decision(
            question, configuration: configuration, directory: GroupDirectory(file))
        let paths = await paths(of: decision, question, configuration)
        return Self.answer(decision, paths)
    }

    // MARK: The question

    private func question(_ configuration: Configuration) throws(Failure) -> Decision.Question {
        guard let recipient = MailAddress(to) else {
            throw Failure("\"\(to)\" is no address", cure: "give one such as bob@example.org")
        }
        let sender: ReversePath
        if from.isEmpty || from == "<>" {
            sender = .null
        } else {
            guard let address = MailAddress(from) else {
                throw Failure("\"\(from)\" is no address", cure: "<> is the null sender")
            }
            sender = .address(address)
        }
        // RFC 5737: nobody's, and in no list by accident.
        let text = client ?? "192.0.2.1"
        guard let client = SocketAddress(text, port: 0) else {
            throw Failure("\"\(text)\" is no IP address")
        }
        return Decision.Question(
            sender: sender, recipient: recipient, login: auth, client: client,
            listener: try Self.listener(port, isLogin: auth != nil, in: configuration))
    }

    /// The service that is meant.
    static func listener(
        _ port: UInt16?, isLogin: Bool, in configuration: Configuration
    ) throws(Failure) -> ListenerSettings {
        let listeners = configuration.listeners(of: .smtp)
        if let port {
            if let listener = listeners.first(where: { $0.address.port == port }) {
                return listener
            }
            let ports = listeners.map { String($0.address.port) }
            throw Failure(
                "no SMTP service has port \(port)",
                cure: "there are \(ports.joined(separator: ", "))")
        }
        let chosen =
            isLogin
            ? listeners.first { $0.auth == .required } ?? listeners.first { $0.auth == .optional }
            : listeners.first { $0.auth != .required }
        guard let listener = chosen ?? listeners.first else {
            throw Failure("no SMTP service is configured", cure: "wmail check")
        }
        return listener
    }

    // MARK: The way

    @MainActor private func paths(
        of decision: Decision, _ question: Decision.Question, _ configuration: Configuration
    ) async -> [(address: MailAddress, paths: [Path], trouble: String?)] {
        guard case .accepted(_, let onward, let ways) = decision.outcome else { return [] }
        let settings = configuration.transmit
        let policy = RoutingPolicy(
            settings: settings, smarthosts: configuration.smarthosts, localMX: configuration.localMX
        )
        let servers =
            settings.nameservers.isEmpty ? SystemNames.nameservers() : settings.nameservers
        let resolver = noDNS ? nil : Resolver(servers: servers, hosts: SystemNames.hosts())
        var result: [(address: MailAddress, paths: [Path], trouble: String?)] = []
        for address in onward {
            switch policy.routing(to: address.domain, from: question.sender, ways: ways) {
            case .none(let outcome): result.append((address, [], outcome.text))
            case .routes(let routes):
                let isLocalMX =
                    !address.domain.isLiteral
                    && configuration.localMX.route(for: address.domain.ascii) != nil
                var paths: [Path] = []
                for route in routes {
                    paths.append(
                        await Path.of(
                            route, policy, localMX: isLocalMX, asking: resolver,
                            isOurselves: { $0 == configuration.hostname }))
                }
                result.append((address, paths, nil))
            }
        }
        return result
    }

    // MARK: The answer

    static func answer(
        _ decision: Decision, _ paths: [(address: MailAddress, paths: [Path], trouble: String?)]
    ) -> Answer {
        var members: [(String, JSON)] = []
        var lines: [(String, String)] = decision.steps.map { ($0.subject, $0.finding) }
        let status: ExitStatus
        switch decision.outcome {
        case .refused(let reply, let reason):
            status = .no
            members = [
                ("decision", "refused"), ("reply", .string(reply)), ("reason", .string(reason)),
            ]
            lines.append(("decision", "refused with \(reply): \(reason)"))
        case .accepted(let accounts, let onward, _):
            status = .good
            members = [
                ("decision", "accepted"), ("reply", "250 2.1.5"),
                ("accounts", .strings(accounts.map(\.description))),
                (
                    "onward",
                    .array(
                        paths.map { entry in
                            [
                                "address": .string("\(entry.address)"),
                                "paths": .array(entry.paths.map(\.json)),
                                "trouble": entry.trouble.map(JSON.string) ?? .null,
                            ]
                        })
                ),
            ]
            lines.append(("decision", "accepted"))
            for account in accounts { lines.append(("deliver", "to the mailbox of \(account)")) }
            precondition(onward.count == paths.count, "each address has its paths")
        }
        for entry in paths {
            lines.append(("send on", "to <\(entry.address)>"))
            if let trouble = entry.trouble { lines.append(("", trouble)) }
            for (index, path) in entry.paths.enumerated() {
                lines.append(("", "\(index + 1). \(path.text)"))
            }
        }
        members.append(
            (
                "steps",
                .array(
                    decision.steps.map {
                        ["subject": .string($0.subject), "finding": .string($0.finding)]
                    })
            ))
        return Answer(json: .object(members), status: status) { palette in
            lines.map { subject, finding in
                let isDecision = subject == "decision"
                let paint = status == .good ? palette.good : palette.bad
                let words = Output.printable(finding)
                return "\(subject.padded(to: 11))\(isDecision ? paint(words) : words)\n"
            }.joined()
        }
    }
}
