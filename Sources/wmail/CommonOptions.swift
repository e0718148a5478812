// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common

/// What every subcommand takes.
struct CommonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder with config/, usermanager/ and queue/.",
            discussion: """
                By default the current folder when it has config/config.json, else the installed instance in \
                /etc/wmailserver and /var/lib/wmailserver.
                """, valueName: "dir"),
        completion: .directory)
    var root: String?

    @Flag(help: "Answer in JSON.")
    var json = false

    /// The files of the instance that is meant.
    ///
    /// - Throws: ``Failure`` when the folder is not there.
    var places: Places {
        get throws(Failure) {
            do throws(Places.Missing) {
                return try Places.chosen(root: root)
            } catch {
                throw Failure(error.description)
            }
        }
    }
}
