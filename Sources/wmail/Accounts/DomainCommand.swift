// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common

/// `wmail domain`: for which domains mail is taken in.
struct DomainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "domain", abstract: "Adds, removes and lists mail domains.",
        discussion: "Changes count within a second, without a restart.",
        subcommands: [Add.self, Remove.self, List.self])

    /// `wmail domain add`.
    struct Add: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a domain to a group and names the records to publish.")

        @Argument(help: "The domain, such as example.org.") var domain: String
        @OptionGroup var group: GroupOption
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let files = try instance.accounts()
            if let other = files.first(where: { $0.domains.contains(domain.lowercased()) }) {
                throw Failure("\(domain) is already a domain of group \(other.group)")
            }
            let chosen = try Instance.chosen(group.group, among: files)
            try instance.change(chosen) { text throws(Failure) in try text.addDomain(domain) }
            let host = try instance.configuration().hostname
            let json: JSON = [
                "domain": .string(domain), "group": .string(chosen),
                "records": .array(PublishedRecords.ofDomain(domain, host: host).map(\.json)),
            ]
            return Answer(json: json) { palette in
                "Mail for \(palette.strong(domain)) is taken in for group \(chosen) now. "
                    + "Publish:\n\n"
                    + PublishedRecords.text(PublishedRecords.ofDomain(domain, host: host))
            }
        }
    }

    /// `wmail domain remove`.
    struct Remove: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a domain: mail for it is refused from now on.")

        @Argument(help: "The domain.") var domain: String
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let files = try instance.accounts()
            guard let file = files.first(where: { $0.domains.contains(domain.lowercased()) }) else {
                throw Failure("\(domain) is a domain of no group", cure: "wmail domain list")
            }
            guard file.domains.count > 1 else {
                throw Failure(
                    "\(domain) is the only domain of group \(file.group), whose users need one",
                    cure: "wmail domain add NAME --group \(file.group)   # another one first",
                    status: .no)
            }
            try instance.change(file.group) { text throws(Failure) in
                try text.removeDomain(domain)
            }
            let json: JSON = ["domain": .string(domain), "group": .string(file.group)]
            return Answer(json: json) { _ in
                "Mail for \(domain) is refused from now on.\n"
            }
        }
    }

    /// `wmail domain list`.
    struct List: AnsweringCommand {
        static let configuration = CommandConfiguration(abstract: "Lists domains.")

        @OptionGroup var group: GroupOption
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            Self.answer(try Instance(common.places).accounts(of: group.group))
        }

        static func answer(_ files: [AccountFile]) -> Answer {
            let rows = files.flatMap { file in file.domains.map { ($0, file.group) } }
            let json = JSON.array(
                rows.map { ["domain": .string($0.0), "group": .string($0.1)] })
            return Answer(json: json) { palette in
                var table = Table(["DOMAIN", "GROUP"])
                for row in rows { table.add([row.0, row.1]) }
                return table.text(palette)
            }
        }
    }
}
