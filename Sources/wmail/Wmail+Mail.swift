// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

extension CommandGroup {
    /// Messages: where they are and what becomes of them.
    static let mail = CommandGroup(
        name: "Mail", subcommands: [QueueCommand.self, ImportCommand.self, ExportCommand.self])
}
