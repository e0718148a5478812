// SPDX-License-Identifier: Apache-2.0
import Common

/// Who runs what on a host where master is started by root.
struct Identities: Equatable, Sendable {
    /// master itself, once it has given up root.
    let master: Identity
    let workers: [Service: Identity]
    /// By name, for files.
    let users: [String: UInt32]
    let groups: [String: UInt32]

    /// The users are missing.
    struct Missing: Error, Equatable, CustomStringConvertible {
        let names: [String]

        var description: String {
            "started by root, but these users or groups are missing: "
                + "\(names.joined(separator: ", ")); make them with: "
                + "systemd-sysusers packaging/sysusers.d/wmailserver.conf"
        }
    }

    /// Every user has a group of the same name; packaging/sysusers.d/wmailserver.conf makes them.
    static let userNames = [
        "wmail", "wmail-smtp", "wmail-pop", "wmail-mail", "wmail-relay", "wmail-auth",
    ]
    static let groupNames = userNames + ["wmail-queue"]

    /// Looks them up.
    ///
    /// - Throws: ``Missing`` when some are not there, or `SystemError` when that cannot be known.
    static func lookUp() throws -> Identities {
        var users: [String: UInt32] = [:]
        var groups: [String: UInt32] = [:]
        for name in userNames { users[name] = try Privileges.user(named: name)?.user }
        for name in groupNames { groups[name] = try Privileges.group(named: name) }
        let missing = groupNames.filter {
            groups[$0] == nil || (userNames.contains($0) && users[$0] == nil)
        }
        guard missing.isEmpty else { throw Missing(names: missing) }
        return Identities(users: users, groups: groups)
    }

    /// From numbers; those of all names must be there.
    init(users: [String: UInt32], groups: [String: UInt32]) {
        func identity(_ user: String, _ supplementary: [String]) -> Identity {
            guard let number = users[user], let group = groups[user] else {
                preconditionFailure("no number of \(user)")
            }
            return Identity(
                user: number, group: group, groups: supplementary.compactMap { groups[$0] })
        }
        self.users = users
        self.groups = groups
        master = identity("wmail", [])
        workers = Dictionary(
            uniqueKeysWithValues: Service.allCases.map { ($0, identity($0.user, $0.groups)) })
    }
}
