// SPDX-License-Identifier: Apache-2.0

/// Where an instance keeps its files.
package struct Places: Equatable, Sendable {
    /// The folder of `config.json`, `localMX.json`, `error.txt` and `ssl/`.
    package let configuration: String
    /// The folder of `queue/` and `usermanager/`: one file system, because delivery is a rename.
    package let state: String

    /// Two folders, as an installed host has them.
    package init(configuration: String, state: String) {
        self.configuration = configuration
        self.state = state
    }

    /// One folder with everything in it, as the Python program had it.
    package init(root: String) {
        var root = root
        while root.count > 1, root.hasSuffix("/") { root.removeLast() }
        self.init(configuration: root == "/" ? "/config" : "\(root)/config", state: root)
    }

    /// Where Debian's package keeps them.
    package static let installed = Self(
        configuration: "/etc/wmailserver", state: "/var/lib/wmailserver")

    /// `config.json`.
    package var configurationFile: String { "\(configuration)/config.json" }

    /// `localMX.json`.
    package var localMXFile: String { "\(configuration)/localMX.json" }

    /// The folder of the queue.
    package var queue: String { "\(state)/queue" }

    /// The folder of the groups.
    package var userManager: String { "\(state)/usermanager" }

    /// The folder of what lives only while the server runs.
    package var run: String { self == .installed ? "/run/wmailserver" : "\(state)/run" }

    /// In ``run``: the text of the `config.json` that the running server has read.
    package static let servingName = "serving.json"
    /// Likewise of `localMX.json`; empty when there was none.
    package static let servingMXName = "serving.localMX.json"

    /// The folder of a group's `group.json`.
    package func group(_ name: String) -> String { "\(userManager)/\(name)" }

    /// The users, passwords and domains of a group.
    package func groupFile(_ name: String) -> String { "\(userManager)/\(name)/group.json" }

    /// A configured path in full: relative ones begin at the root, `config/…` in the configuration's folder.
    package func resolve(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        var parts = path.split(separator: "/").filter { $0 != "." }
        let base = parts.first == "config" ? configuration : state
        if parts.first == "config" { parts.removeFirst() }
        return parts.isEmpty ? base : "\(base)/\(parts.joined(separator: "/"))"
    }
}
