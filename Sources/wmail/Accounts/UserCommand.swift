// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common

/// `wmail user`: who has a mailbox and may log in.
struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Adds, changes, removes and lists users.",
        discussion: "Changes count within a second, without a restart.",
        subcommands: [Add.self, Passwd.self, Permit.self, Remove.self, List.self])
}

/// Which group is meant where a name alone does not say it.
struct GroupOption: ParsableArguments {
    @Option(help: "The user group; needed where there are several and no address says which.")
    var group: String?
}

extension Permissions {
    /// From the words of a command line.
    ///
    /// - Throws: ``Failure`` at the first word that is no permission.
    init(words: [String]) throws(Failure) {
        self = []
        for word in words.flatMap({ $0.split(separator: ",").map(String.init) }) {
            guard let permission = Permissions(word: word) else {
                let known = Permissions.words.map(\.word)
                throw Failure(
                    "\(word) is no permission",
                    cure: KeySpelling.nearest(to: word, among: known).map { "did you mean \($0)?" }
                        ?? "there are: \(known.joined(separator: ", "))")
            }
            formUnion(permission)
        }
    }

    /// For `--json`.
    var json: JSON {
        .strings(Self.words.filter { contains($0.permission) }.map(\.word))
    }
}

extension UserCommand {
    /// `wmail user add`.
    struct Add: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a user, who can log in and gets mail at once.")

        @Argument(help: "alice, or alice@example.org with a domain of a group.")
        var user: String
        @Option(
            parsing: .upToNextOption,
            help: """
                What the user may do: receive, sendlocal (to users of the group), sendrelay (through the smarthost), \
                sendoutside (directly to other servers). By default all.
                """)
        var permit: [String] = []
        @Flag(help: "No password: the user gets mail and cannot log in.")
        var noPassword = false
        @OptionGroup var password: PasswordOptions
        @OptionGroup var group: GroupOption
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let asked = try instance.user(user, group: group.group)
            let name = try NewPassword.prepared(asked.name, as: "a user's name")
            let named = Instance.Named(name: name, group: asked.group)
            if let advice = FolderName.fault(in: named.name) {
                throw Failure("\"\(named.name)\" cannot be a user's name", cure: advice)
            }
            var permissions = try Permissions(words: permit)
            if permit.isEmpty { permissions = [.receive, .sendLocal, .sendRelay, .sendOutside] }
            let new = noPassword ? nil : try password.password(for: named.name)
            let hash = try new?.hash()
            try instance.change(named.group) { text throws(Failure) in
                try text.addUser(named.name, hash: hash, permissions: permissions)
            }
            let address = try instance.address(of: named)
            return Self.answer(named, address, permissions, password: new?.shown)
        }

        static func answer(
            _ named: Instance.Named, _ address: String, _ permissions: Permissions,
            password: String?
        ) -> Answer {
            let json: JSON = [
                "user": .string(named.name), "group": .string(named.group),
                "address": .string(address), "permissions": permissions.json,
                "password": password.map(JSON.string) ?? .null,
            ]
            return Answer(json: json) { palette in
                "\(palette.strong(address)) is there now, with \(permissions).\n"
                    + (password.map { "Password: \(palette.strong($0))\n" } ?? "")
            }
        }
    }

    /// `wmail user passwd`.
    struct Passwd: AnsweringCommand {
        static let configuration = CommandConfiguration(abstract: "Gives a user a new password.")

        @Argument(help: "alice, or alice@example.org.") var user: String
        @OptionGroup var password: PasswordOptions
        @OptionGroup var group: GroupOption
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let named = try instance.user(user, group: group.group)
            let new = try password.password(for: named.name)
            let hash = try new.hash()
            try instance.change(named.group) { text throws(Failure) in
                try text.setPassword(hash, of: named.name)
            }
            let json: JSON = [
                "user": .string(named.name), "group": .string(named.group),
                "password": new.shown.map(JSON.string) ?? .null,
            ]
            return Answer(json: json) { palette in
                "The new password of \(named.name) counts; logins with the old one are refused.\n"
                    + (new.shown.map { "Password: \(palette.strong($0))\n" } ?? "")
            }
        }
    }

    /// `wmail user permit`.
    struct Permit: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says what a user may do.",
            discussion: """
                Without --add and --remove the user gets exactly the permissions named: receive, sendlocal, sendrelay, \
                sendoutside.
                """)

        @Argument(help: "alice, or alice@example.org.") var user: String
        @Argument(help: "The permissions.") var permissions: [String] = []
        @Option(parsing: .upToNextOption, help: "Permissions to add to those that the user has.")
        var add: [String] = []
        @Option(parsing: .upToNextOption, help: "Permissions to take away.")
        var remove: [String] = []
        @OptionGroup var group: GroupOption
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let named = try instance.user(user, group: group.group)
            let exact = try Permissions(words: permissions)
            let (added, taken) = (try Permissions(words: add), try Permissions(words: remove))
            if permissions.isEmpty, add.isEmpty, remove.isEmpty {
                throw Failure(
                    "which permissions?",
                    cure: "wmail user permit \(user) receive sendlocal sendrelay sendoutside")
            }
            let old = try instance.account(named)
            let base = permissions.isEmpty ? old.permissions : exact
            let new = base.union(added).subtracting(taken)
            try instance.change(named.group) { text throws(Failure) in
                try text.setPermissions(new, of: named.name)
            }
            let json: JSON = [
                "user": .string(named.name), "group": .string(named.group),
                "permissions": new.json, "before": old.permissions.json,
            ]
            return Answer(json: json) { _ in
                "\(named.name) may now: \(new.isEmpty ? "nothing" : new.description)\n"
            }
        }
    }

    /// `wmail user remove`.
    struct Remove: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a user; the mail stays and is named.")

        @Argument(help: "alice, or alice@example.org.") var user: String
        @OptionGroup var group: GroupOption
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let named = try instance.user(user, group: group.group)
            try instance.change(named.group) { text throws(Failure) in
                try text.removeUser(named.name)
            }
            let mail = "\(instance.places.group(named.group))/users/\(named.name)"
            let json: JSON = [
                "user": .string(named.name), "group": .string(named.group), "mail": .string(mail),
            ]
            return Answer(json: json) { _ in
                "\(named.name) is removed. What mail there is stays in \(mail)\n"
            }
        }
    }

    /// `wmail user list`.
    struct List: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists users with their permissions.")

        @OptionGroup var group: GroupOption
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            return Self.answer(try instance.accounts(of: group.group))
        }

        static func answer(_ files: [AccountFile]) -> Answer {
            let rows = files.flatMap { file in file.users.map { (file, $0) } }
            let json = JSON.array(
                rows.map { file, user in
                    [
                        "user": .string(user.name), "group": .string(file.group),
                        "address": .string(file.address(of: user.name)),
                        "permissions": user.permissions.json,
                        "login": .boolean(user.password != nil),
                    ]
                })
            return Answer(json: json) { palette in
                var table = Table(["ADDRESS", "GROUP", "LOGIN", "PERMISSIONS"])
                for (file, user) in rows {
                    table.add([
                        file.address(of: user.name), file.group,
                        user.password == nil ? "no" : "yes", user.permissions.description,
                    ])
                }
                return table.text(palette)
            }
        }
    }
}
