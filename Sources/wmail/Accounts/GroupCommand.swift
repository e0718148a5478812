// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common

/// `wmail group`: user groups, each with its domains, users and certificate.
struct GroupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group", abstract: "Adds, lists and shows user groups.",
        subcommands: [Add.self, List.self, Show.self])

    /// `wmail group list`.
    struct List: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Names the groups with their domains.")

        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            try Self.answer(Instance(common.places).accounts())
        }

        static func answer(_ files: [AccountFile]) -> Answer {
            let json = JSON.array(
                files.map { file in
                    [
                        "group": .string(file.group), "domains": .strings(file.domains),
                        "users": .integer(file.users.count),
                        "aliases": .integer(file.aliases.count),
                    ]
                })
            return Answer(json: json) { palette in
                var table = Table(["GROUP", "USERS", "ALIASES", "DOMAINS"])
                for file in files {
                    table.add([
                        file.group, String(file.users.count), String(file.aliases.count),
                        file.domains.joined(separator: " "),
                    ])
                }
                return table.text(palette)
            }
        }
    }

    /// `wmail group show`.
    struct Show: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a group with its services, users and aliases.")

        @Argument(help: "The group; may be left out when there is one.") var group: String?
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let files = try instance.accounts()
            let name = try Instance.chosen(group, among: files)
            guard let file = files.first(where: { $0.group == name }) else {
                throw Failure("there is no group \(name)", cure: "wmail group list")
            }
            return Self.answer(file, try instance.configuration())
        }

        static func answer(_ file: AccountFile, _ configuration: Configuration) -> Answer {
            let listeners = configuration.listeners.filter { $0.group == file.group }
            let services = listeners.map { "\($0.service.rawValue) \($0.address)" }
            let certificates = configuration.group(file.group)?.certificates.map(\.certificate)
            let users = UserCommand.List.answer([file])
            let aliases = AliasCommand.List.answer([file])
            let json: JSON = [
                "group": .string(file.group), "domains": .strings(file.domains),
                "services": .strings(services), "certificates": .strings(certificates ?? []),
                "users": users.json, "aliases": aliases.json,
                "catchAll": .strings(file.catchAll),
                "subaddressSeparator": .string(file.subaddressSeparators),
            ]
            return Answer(json: json) { palette in
                func line(_ name: String, _ values: [String]) -> String {
                    "\(name.padded(to: 14))\(values.isEmpty ? "none" : values.joined(separator: ", "))\n"
                }
                return line("group", [file.group]) + line("domains", file.domains)
                    + line("services", services) + line("certificates", certificates ?? [])
                    + line("catch-all", file.catchAll) + "\n" + users.text(palette) + "\n"
                    + aliases.text(palette)
            }
        }
    }
}
