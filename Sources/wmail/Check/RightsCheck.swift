// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Who can read and write the files of an instance.
enum RightsCheck {
    /// The users and groups that the parts of the server run as, where each has its own.
    struct Identities: Equatable {
        /// master's, which reads configuration and certificates again at a reload.
        let master: Identity
        /// authd's, which reads and replaces `group.json`.
        let accounts: Identity

        /// Those of this host; nil where they are not there, or where we are not root and so run all as one user.
        static func ofHost() -> Self? {
            guard Privileges.isRoot else { return nil }
            do throws(SystemError) {
                guard let master = try Privileges.user(named: "wmail"),
                    let accounts = try Privileges.user(named: "wmail-auth")
                else { return nil }
                return Self(
                    master: Identity(user: master.user, group: master.group),
                    accounts: Identity(user: accounts.user, group: accounts.group))
            } catch {
                return nil
            }
        }
    }

    /// A file or folder with what it may be open to.
    private struct Item {
        let path: String
        /// Whether it holds what only the server and the operator may read.
        let isSecret: Bool
        /// Who reads it when the server runs; nil for whoever.
        let reader: Identity?
        /// What gives the reader its right.
        let cure: String
    }

    static func verdicts(
        of configuration: Configuration, identities: Identities?
    ) -> [Verdict] {
        let items = items(of: configuration, identities)
        let found = items.flatMap { verdicts(of: $0) }
        if found.isEmpty {
            return [.ok("rights", configuration.places.state, "\(items.count) files and folders")]
        }
        return found
    }

    private static func items(of configuration: Configuration, _ identities: Identities?) -> [Item]
    {
        let places = configuration.places
        let hasPassword = configuration.smarthosts.contains { !$0.password.isEmpty }
        var items = [
            Item(
                path: places.configurationFile, isSecret: hasPassword, reader: identities?.master,
                cure: "chgrp wmail FILE && chmod 640 FILE")
        ]
        for path in [places.configuration, places.userManager, places.queue] {
            items.append(Item(path: path, isSecret: false, reader: nil, cure: ""))
        }
        for group in configuration.groups {
            items.append(
                Item(
                    path: places.groupFile(group.name), isSecret: true,
                    reader: identities?.accounts,
                    cure: "chown wmail-auth:wmail-auth FILE && chmod 600 FILE"))
            for files in group.certificates {
                for (path, isSecret) in [(files.key, true), (files.certificate, false)] {
                    items.append(
                        Item(
                            path: path, isSecret: isSecret, reader: identities?.master,
                            cure: "chgrp wmail FILE && chmod 640 FILE"))
                }
            }
        }
        return items
    }

    private static func verdicts(of item: Item) -> [Verdict] {
        let status: FileStatus
        do throws(SystemError) {
            status = try FileStatus(of: item.path)
        } catch {
            // Queue and accounts come with the first start; what else is missing, others say.
            if error.code == ENOENT { return [] }
            return [
                .skipped("rights", item.path, error.reason, cure: "run it as root")
            ]
        }
        return verdicts(
            path: item.path, status, isSecret: item.isSecret, reader: item.reader, cure: item.cure)
    }

    /// The judgement on one file.
    static func verdicts(
        path: String, _ status: FileStatus, isSecret: Bool, reader: Identity?, cure: String
    ) -> [Verdict] {
        var found: [Verdict] = []
        let mode = String(status.permissions, radix: 8)
        let isSticky = status.permissions & 0o1000 != 0
        if isSecret, status.permissions & 0o004 != 0 {
            found.append(
                .fail(
                    "rights", path, "every user of this host can read it (mode \(mode))",
                    cure: "chmod o-rwx \(path)"))
        } else if status.permissions & 0o002 != 0, !isSticky {
            found.append(
                .fail(
                    "rights", path, "every user of this host can change it (mode \(mode))",
                    cure: "chmod o-w \(path)"))
        }
        if let reader, !status.isReadable(by: reader) {
            found.append(
                .warn(
                    "rights", path,
                    "the running server cannot read it again (mode \(mode), owner \(status.owner):\(status.group))",
                    cure: cure.replacing("FILE", with: path)))
        }
        return found
    }
}

extension FileStatus {
    /// Whether a user without privileges can read it.
    func isReadable(by identity: Identity) -> Bool {
        if owner == identity.user { return permissions & 0o400 != 0 }
        if group == identity.group || identity.groups.contains(group) {
            return permissions & 0o040 != 0
        }
        return permissions & 0o004 != 0
    }
}
