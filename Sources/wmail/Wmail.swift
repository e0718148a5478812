// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common

/// The command with all that it can do; each subcommand is a file of its own.
struct Wmail: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wmail",
        abstract: "Sets up, checks and runs a mail server.",
        discussion: """
            Every command takes --root DIR for the instance in a folder, and --json for an answer that programs read, \
            before or behind its name. It ends with 0 when all is well, 1 when something could not be done, 2 when the \
            answer is no, and 64 when \
            the command line cannot be understood. wmail(8) has the whole story.
            """,
        version: Release.name,
        groupedSubcommands: [
            CommandGroup(
                name: "Setting up",
                subcommands: [
                    InitCommand.self, CheckCommand.self, ConfigCommand.self, RouteCommand.self,
                ]),
            CommandGroup(
                name: "Who has mail here",
                subcommands: [
                    UserCommand.self, AliasCommand.self, DomainCommand.self, GroupCommand.self,
                ]),
            .mail, .server,
        ])
}
