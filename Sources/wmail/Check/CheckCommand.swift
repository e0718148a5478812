// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc

/// `wmail check`: whether this host is a mail server that works, and what mends it where not.
struct CheckCommand: WaitingCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks configuration, rights, ports, certificates and DNS.",
        discussion: """
            One verdict a line: ok, warn, fail or skipped, with the record or the command that mends it. Ends with 0 \
            when all is well, 1 with warnings, 2 with failures, so that a timer can watch it.
            """)

    @Flag(help: "Also ask the DNS, and try whether mail gets out; takes up to a minute.")
    var network = false
    @Option(
        help: ArgumentHelp(
            "The server to try port 25 with; by default one of gmail.com's.",
            valueName: "host[:port]"))
    var probe: String?
    @OptionGroup var common: CommonOptions

    @MainActor func answer() async throws(Failure) -> Answer {
        let places = try common.places
        guard access(places.configurationFile, F_OK) == 0 || errno != ENOENT else {
            return Answer([
                .fail(
                    "configuration", places.configurationFile, "there is no such file",
                    cure: "wmail init\(common.root.map { " --root \($0)" } ?? "")")
            ])
        }
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try ConfigurationFile.load(places)
        } catch {
            return Answer(
                ConfigurationCheck.verdicts(error.problems)
                    + [.skipped("others", "everything else", "needs a configuration that is right")]
            )
        }
        var verdicts = ConfigurationCheck.verdicts(of: configuration)
        let accounts = ConfigurationCheck.accounts(of: configuration)
        verdicts += accounts.verdicts
        // The first start gives everything to whom it belongs.
        let hasStarted = access(places.queue, F_OK) == 0
        verdicts += RightsCheck.verdicts(
            of: configuration, identities: hasStarted ? .ofHost() : nil)
        verdicts += DiskCheck.verdicts(of: places)
        verdicts += PortCheck.verdicts(of: configuration, listening: ListeningPorts.now())
        verdicts += CertificateCheck.verdicts(of: configuration, now: WallClock.seconds)
        guard network else {
            verdicts.append(
                .skipped(
                    "network", "DNS and outgoing mail", "not asked for",
                    cure: "wmail check --network"))
            return Answer(verdicts)
        }
        let servers = configuration.transmit.nameservers
        let resolver = Resolver(
            servers: servers.isEmpty ? SystemNames.nameservers() : servers,
            hosts: [:])
        let dns = DNSCheck(
            host: configuration.hostname, domains: accounts.files.flatMap(\.domains),
            ownAddresses: SystemNames.interfaceAddresses().filter(\.isPublic),
            sendsDirectly: configuration.transmit.methods.contains(.direct))
        verdicts += await dns.verdicts(asking: resolver)
        verdicts += await EgressCheck(configuration, probe: probe).verdicts(asking: resolver)
        return Answer(verdicts)
    }
}
