// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

extension CommandGroup {
    /// Messages: where they are and what becomes of them.
    static let mail = CommandGroup(
        name: "Mail",
        subcommands: [
            QueueCommand.self, TraceCommand.self, ImportCommand.self, ExportCommand.self,
            BackupCommand.self, RestoreCommand.self,
        ])

    /// The running server.
    static let server = CommandGroup(
        name: "The running server",
        subcommands: [
            StatusCommand.self, TopCommand.self, MetricsCommand.self, BlockedCommand.self,
        ])
}
