// SPDX-License-Identifier: Apache-2.0
import Glibc

extension Places {
    /// The folder that `--root` names is not there.
    package struct Missing: Error, Equatable, CustomStringConvertible {
        /// What is wrong, and what to do.
        package let description: String
    }

    /// The instance that is meant: the named folder, the current one if it holds an instance, or the installed one.
    ///
    /// - Throws: ``Missing`` when the folder is not there.
    package static func chosen(root: String?) throws(Missing) -> Places {
        if let root { return Places(root: try absolute(root)) }
        if access("config/config.json", F_OK) == 0 { return Places(root: try absolute(".")) }
        return .installed
    }

    /// Workers start elsewhere, so a relative path would mean something else to them.
    private static func absolute(_ path: String) throws(Missing) -> String {
        guard let resolved = realpath(path, nil) else {
            let error = SystemError("realpath", on: path)
            throw Missing(
                description:
                    "--root \(path): \(error.reason); an empty folder becomes a new instance")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
