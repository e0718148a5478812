// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// The user and the groups that a process runs as.
package struct Identity: Equatable, Sendable {
    package let user: UInt32
    /// The primary group.
    package let group: UInt32
    /// All supplementary groups.
    package let groups: [UInt32]

    package init(user: UInt32, group: UInt32, groups: [UInt32] = []) {
        self.user = user
        self.group = group
        self.groups = groups
    }
}

/// Who this process is, and giving that up.
package enum Privileges {
    package static var isRoot: Bool { geteuid() == 0 }

    /// Whether workers can be started under other users: root, or CAP_SETUID, CAP_SETGID and CAP_KILL without it.
    package static var mayBecomeOthers: Bool { wm_may_become_others() }

    /// The effective user of this process.
    package static var user: UInt32 { geteuid() }

    /// The user and primary group of a name in the user database; nil when there is none.
    ///
    /// - Throws: `SystemError` of getpwnam_r(3).
    package static func user(
        named name: String
    ) throws(SystemError) -> (user: UInt32, group: UInt32)? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        let code = getpwnam_r(name, &entry, &buffer, buffer.count, &found)
        if found != nil { return (entry.pw_uid, entry.pw_gid) }
        if noSuchEntry.contains(code) { return nil }
        throw SystemError("getpwnam_r", on: name, code: code)
    }

    /// The number of a group; nil when there is none of that name.
    ///
    /// - Throws: `SystemError` of getgrnam_r(3).
    package static func group(named name: String) throws(SystemError) -> UInt32? {
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var buffer = [CChar](repeating: 0, count: 65_536)
        let code = getgrnam_r(name, &entry, &buffer, buffer.count, &found)
        if found != nil { return entry.gr_gid }
        if noSuchEntry.contains(code) { return nil }
        throw SystemError("getgrnam_r", on: name, code: code)
    }

    /// Makes root this user for good, keeping only what starting and ending workers under other users needs:
    /// CAP_SETUID, CAP_SETGID and CAP_KILL.
    ///
    /// - Throws: `SystemError` of the step that failed; the process must end then.
    package static func dropRoot(to identity: Identity) throws(SystemError) {
        var step: UnsafePointer<CChar>?
        let result = wm_drop_root(
            identity.user, identity.group, identity.groups, identity.groups.count, &step)
        let code = errno
        guard result == 0 else {
            throw SystemError(
                step.map { String(cString: $0) } ?? "wm_drop_root", on: "user \(identity.user)",
                code: code)
        }
    }

    /// Forbids core files, and other processes of the same user to read this one's memory.
    ///
    /// - Throws: `SystemError` of setrlimit(2) or prctl(2).
    package static func hideMemory() throws(SystemError) {
        try check("prctl PR_SET_DUMPABLE") { wm_hide_memory() }
    }

    /// Raises the number of files that this process may open towards `wanted`, as far as it may.
    ///
    /// - Returns: The limit from now on.
    @discardableResult
    package static func raiseOpenFiles(to wanted: Int) -> Int {
        Int(wm_raise_open_files(UInt64(wanted)))
    }

    /// What the get…nam_r calls may return for a name that is not there (getpwnam(3), RETURN VALUE).
    private static let noSuchEntry: [Int32] = [0, ENOENT, ESRCH, EBADF, EPERM]
}
