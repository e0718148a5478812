// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common

/// `wmail group`: user groups, each with its domains, users and certificate.
struct GroupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group", abstract: "Shows and makes user groups.",
        subcommands: [List.self])

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
}
