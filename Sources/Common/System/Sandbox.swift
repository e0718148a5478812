// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// What a worker may still do after it has locked itself in: Landlock for paths, seccomp for system calls.
package struct Sandbox: Sendable {
    /// What may be done below a path.
    package struct Rights: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let read = Rights(rawValue: UInt32(WM_READ))
        package static let list = Rights(rawValue: UInt32(WM_LIST))
        /// Make new files and write to them.
        package static let create = Rights(rawValue: UInt32(WM_CREATE))
        /// Write to files that are there.
        package static let write = Rights(rawValue: UInt32(WM_WRITE))
        package static let remove = Rights(rawValue: UInt32(WM_REMOVE))
        package static let makeFolder = Rights(rawValue: UInt32(WM_MAKE_FOLDER))
        /// Rename or link files to and from other folders; a file may not gain rights by it.
        package static let move = Rights(rawValue: UInt32(WM_MOVE))
    }

    /// Families of system calls beyond those that every worker needs.
    package struct Calls: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let accept = Calls(rawValue: UInt32(WM_CALLS_ACCEPT))
        package static let files = Calls(rawValue: UInt32(WM_CALLS_FILES))
        package static let connect = Calls(rawValue: UInt32(WM_CALLS_CONNECT))
        /// Map executable pages, which the resolver's plug-ins need.
        package static let load = Calls(rawValue: UInt32(WM_CALLS_LOAD))
        /// Open files that must lie below a folder (openat2(2)).
        package static let beneath = Calls(rawValue: UInt32(WM_CALLS_BENEATH))
    }

    package var paths: [(path: String, rights: Rights)]
    package var calls: Calls

    /// Nothing but what is named.
    package init(paths: [(path: String, rights: Rights)], calls: Calls) {
        self.paths = paths
        self.calls = calls
    }

    /// Locks this process in, for good; call it before any thread is started.
    ///
    /// A kernel that lacks one of the two is told of in the log and lived with.
    ///
    /// - Throws: `SystemError` when the kernel has it and refuses, or a path is not there.
    package func enter() throws(SystemError) {
        let names = paths.map { strdup($0.path) }
        defer { names.forEach { free($0) } }
        let rules = zip(names, paths).map { name, path in
            wm_path_rule(path: name, rights: path.rights.rawValue)
        }
        let joined = paths.map(\.path).joined(separator: ", ")
        let abi = try check("landlock", on: joined) {
            wm_landlock(rules, rules.count, calls.contains(.connect))
        }
        Counter.landlock.set(Int(abi))
        if abi == 0 { Log.write(.warning, "sandbox.missing", ["feature": "landlock"]) }
        let filter = try check("seccomp") { wm_seccomp(calls.rawValue) }
        Counter.seccomp.set(Int(filter))
        if filter == 0 { Log.write(.warning, "sandbox.missing", ["feature": "seccomp"]) }
    }
}
