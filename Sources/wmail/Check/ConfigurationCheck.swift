// SPDX-License-Identifier: Apache-2.0
import Common

/// The files that the operator writes, read as the server reads them.
enum ConfigurationCheck {
    /// What is wrong, one verdict each.
    static func verdicts(_ problems: [ConfigurationProblem]) -> [Verdict] {
        problems.map { problem in
            .fail(
                "configuration", place(of: problem), problem.problem,
                cure: problem.advice.isEmpty ? "editor \(problem.file)" : problem.advice)
        }
    }

    /// A configuration that is right: its warnings, and what is open to whom.
    static func verdicts(of configuration: Configuration) -> [Verdict] {
        var verdicts: [Verdict] = [
            .ok(
                "configuration", configuration.places.configurationFile,
                "right; \(configuration.listeners.count) services, \(configuration.groups.count) groups"
            )
        ]
        verdicts += configuration.warnings.map(warning)
        for listener in configuration.listeners where !listener.allowRelayFrom.isEmpty {
            let networks = listener.allowRelayFrom.map(\.description).joined(separator: ", ")
            verdicts.append(
                .warn(
                    "relay", "\(listener.address)",
                    "clients in \(networks) may send to anybody without a login",
                    cure: "take allowRelayFrom out unless they cannot log in"))
        }
        return verdicts
    }

    /// The groups' files, and what is wrong with them.
    static func accounts(
        of configuration: Configuration
    ) -> (files: [AccountFile], verdicts: [Verdict]) {
        var files: [AccountFile] = []
        var verdicts: [Verdict] = []
        for group in configuration.groups {
            do throws(ConfigurationError) {
                let file = try AccountFile.load(group: group.name, places: configuration.places)
                files.append(file)
                verdicts.append(
                    .ok(
                        "accounts", file.path,
                        "right; \(file.users.count) users, domains \(file.domains.joined(separator: ", "))"
                    ))
                verdicts += file.warnings.map(warning)
                if file.users.isEmpty {
                    verdicts.append(
                        .warn(
                            "accounts", file.path, "has no user yet",
                            cure: "wmail user add NAME@\(file.domains.first ?? "DOMAIN")"))
                }
            } catch {
                verdicts += Self.verdicts(error.problems)
            }
        }
        return (files, verdicts)
    }

    private static func warning(_ problem: ConfigurationProblem) -> Verdict {
        .warn("configuration", place(of: problem), problem.problem, cure: problem.advice)
    }

    private static func place(of problem: ConfigurationProblem) -> String {
        let place =
            problem.line > 0
            ? "\(problem.file):\(problem.line):\(problem.column)" : problem.file
        return problem.key.isEmpty ? place : "\(place) \(problem.key)"
    }
}
