// SPDX-License-Identifier: Apache-2.0

/// What a `group.json` says: the users of a group, its domains, and where other addresses lead.
package struct AccountFile: Equatable, Sendable {
    /// The group's name, which is its folder's.
    package var group: String
    /// The file's path.
    package var path: String
    /// `bindDomains` in lower case; the first is that of the users' own addresses.
    package var domains: [String] = []
    /// `users`, in the order of the file.
    package var users: [User] = []
    /// `aliases`, in the order of the file.
    package var aliases: [Alias] = []
    /// `catchAll`: users or addresses for mail to an address of the group's domains that is nobody's.
    package var catchAll: [String] = []
    /// `subaddressSeparator`: each of its characters parts a user's name from a tag; empty for no tags.
    package var subaddressSeparators = "+"
    /// What is allowed and yet may surprise.
    package var warnings: [ConfigurationProblem] = []

    /// An empty file of a group.
    package init(group: String, path: String) {
        self.group = group
        self.path = path
    }

    /// One of `users`.
    package struct User: Equatable, Sendable {
        /// As the file has it.
        package var name: String
        /// `password`: plain as an operator types it, or as crypt(3) stores it; nil for a user without login.
        package var password: String?
        /// `permissions`; by default `receive` alone.
        package var permissions: Permissions
        /// `addresses`: what the login may send as, beyond its own: `user@domain`, `*@domain` or `*`.
        package var senders: [String] = []
        /// `limits.messagesPerHour`; nil for any number.
        package var messagesPerHour: Int?
        /// `limits.recipientsPerHour`; nil for any number.
        package var recipientsPerHour: Int?

        /// A user as the file would give it with these keys alone.
        package init(name: String, password: String? = nil, permissions: Permissions = .receive) {
            self.name = name
            self.password = password
            self.permissions = permissions
        }
    }

    /// One of `aliases`: a name, or an address of one of the domains, that leads to users or addresses.
    package struct Alias: Equatable, Sendable {
        /// As the file has it.
        package var name: String
        /// Users, or addresses of this and other domains.
        package var targets: [String]

        /// An alias with its targets.
        package init(name: String, targets: [String]) {
            self.name = name
            self.targets = targets
        }
    }

    /// The user of that very name.
    package func user(_ name: String) -> User? {
        users.first { $0.name == name }
    }
}

/// A password is in no text that is made of a user, whoever prints it.
extension AccountFile.User: CustomStringConvertible, CustomReflectable {
    /// Without the password.
    package var description: String { "\(name): \(permissions)" }

    /// Without the password.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
