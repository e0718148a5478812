// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `--root DIR` and `--json` in front of a subcommand, where people write them and the parser does not look.
enum LeadingOptions {
    /// The words of a command line with these options behind the subcommand that they are for.
    ///
    /// `--root DIR queue list` becomes `queue list --root DIR`; everything else stays where it is.
    static func movedBack(
        _ words: [String], below top: any ParsableCommand.Type = Wmail.self
    ) -> [String] {
        var command = top
        var (path, moved): ([String], [String]) = ([], [])
        var rest = words[...]
        while let word = rest.first {
            if word == "--root" {
                moved += rest.prefix(2)
                rest = rest.dropFirst(2)
                continue
            }
            if word == "--json" || word.hasPrefix("--root=") {
                moved.append(word)
            } else if let next = command.configuration.subcommands.first(where: {
                $0._commandName == word
            }) {
                path.append(word)
                command = next
            } else {
                break
            }
            rest = rest.dropFirst()
        }
        // Without a subcommand there is only help, the version or a mistake to show: the same for every instance.
        return path + (path.isEmpty ? [] : moved) + rest
    }
}
