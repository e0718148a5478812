// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common

/// `wmail alias`: addresses that lead to users, or to other addresses.
struct AliasCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias", abstract: "Adds, removes and lists aliases.",
        discussion: "Changes count within a second, without a restart.",
        subcommands: [Add.self, Remove.self, List.self])

    /// What one alias leads to, after a change.
    static func answer(_ name: String, _ group: String, _ targets: [String]) -> Answer {
        let json: JSON = [
            "alias": .string(name), "group": .string(group), "targets": .strings(targets),
        ]
        return Answer(json: json) { _ in
            targets.isEmpty
                ? "\(name) is no alias any more.\n"
                : "\(name) → \(targets.joined(separator: ", "))\n"
        }
    }

    /// `wmail alias add`.
    struct Add: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets an address lead to users or addresses, besides those that it leads to.")

        @Argument(help: "info for every domain of the group, or info@example.org for one.")
        var name: String
        @Argument(help: "Users or addresses.") var targets: [String]
        @OptionGroup var group: GroupOption
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let group = try instance.user(name, group: self.group.group).group
            var all: [String] = []
            try instance.change(group) { text throws(Failure) in
                all = try text.addAlias(name, to: targets)
            }
            return AliasCommand.answer(name, group, all)
        }
    }

    /// `wmail alias remove`.
    struct Remove: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes an alias, or some of what it leads to.")

        @Argument(help: "As wmail alias list has it.") var name: String
        @Argument(help: "Users or addresses; without any the alias goes as a whole.")
        var targets: [String] = []
        @OptionGroup var group: GroupOption
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let files = try instance.accounts()
            let having = files.filter { file in
                file.aliases.contains { $0.name.lowercased() == name.lowercased() }
            }
            let group =
                self.group.group == nil && having.count == 1
                ? having[0].group : try Instance.chosen(self.group.group, among: files)
            var left: [String] = []
            try instance.change(group) { text throws(Failure) in
                left = try text.removeAlias(name, to: targets)
            }
            return AliasCommand.answer(name, group, left)
        }
    }

    /// `wmail alias list`.
    struct List: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists aliases with what they lead to.")

        @OptionGroup var group: GroupOption
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            Self.answer(try Instance(common.places).accounts(of: group.group))
        }

        static func answer(_ files: [AccountFile]) -> Answer {
            let rows = files.flatMap { file in file.aliases.map { (file.group, $0) } }
            let json = JSON.array(
                rows.map { group, alias in
                    [
                        "alias": .string(alias.name), "group": .string(group),
                        "targets": .strings(alias.targets),
                    ]
                })
            return Answer(json: json) { palette in
                var table = Table(["ALIAS", "GROUP", "LEADS TO"])
                for (group, alias) in rows {
                    table.add([alias.name, group, alias.targets.joined(separator: ", ")])
                }
                return table.text(palette)
            }
        }
    }
}
