// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc

/// `wmail import python`.
struct ImportPython: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "python",
        abstract: "Users, permissions and mail of the Python program of this name.",
        discussion: """
            Names its folder, the one with usermanager/ in it; that may be this instance's own. Users that are missing \
            here are added with their passwords, which the server replaces by hashes, and their permissions. Unique ids \
            are kept. Lines get the CRLF that the Python program dropped, and lose the dots that it left doubled.
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The Python program's folder.", completion: .directory) var folder: String

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        let known = try Instance(places).accounts()
        let groups = try Self.groups(in: folder)
        guard !groups.isEmpty else {
            throw Failure(
                "\(folder)/usermanager has no group with a group.json",
                cure: "name the folder that has config/ and usermanager/ of the Python program")
        }
        var runs: [ImportRun] = []
        var notes: [String] = []
        let progress = Progress()
        for group in groups {
            guard let file = known.first(where: { $0.group == group.name }) else {
                throw Failure(
                    "config.json has no group \(group.name)",
                    cure: "add it to UserGroups, then run this again")
            }
            notes += try Self.addUsers(of: group, to: file)
            for domain in group.domains where !file.domains.contains(domain.lowercased()) {
                notes.append(
                    "\(group.name): the domain \(domain) was the Python program's and is not here")
            }
            for user in group.users {
                guard let path = Self.mailFolder(of: user, in: group, folder) else { continue }
                var source = try PythonSource(path)
                runs.append(
                    try ImportRun(
                        &source, to: AccountName(group: group.name, user: user.name), in: places,
                        showing: progress))
            }
        }
        return ImportRun.answer(runs, notes: notes)
    }

    /// A group of the Python program.
    struct Group: Sendable {
        let name: String
        let users: [(name: String, settings: JSON)]
        let domains: [String]
    }

    /// The groups of a tree, each with what its `group.json` says.
    ///
    /// - Throws: ``Failure`` when it cannot be read.
    static func groups(in root: String) throws(Failure) -> [Group] {
        let folder = try translating { () throws(SystemError) in
            try Folder("\(root)/usermanager", listable: true)
        }
        let names = try translating { () throws(SystemError) in try folder.names().sorted() }
        var groups: [Group] = []
        for name in names {
            let bytes: [UInt8]
            do throws(SystemError) {
                bytes = try File("\(name)/group.json", in: folder).readAll(limit: 1 << 26)
            } catch {
                if error.code == ENOENT || error.code == ENOTDIR { continue }
                throw Failure(error)
            }
            let json: JSON
            do throws(JSONError) {
                json = try JSON(parsing: bytes)
            } catch {
                throw Failure("\(root)/usermanager/\(name)/group.json: \(error)")
            }
            let users = (json["users"]?.members ?? []).map { (name: $0.key, settings: $0.value) }
            groups.append(
                Group(
                    name: name, users: users,
                    domains: json["bindDomains"]?.elements?.compactMap(\.string) ?? []))
        }
        return groups
    }

    /// Adds the users that this instance does not have.
    ///
    /// - Returns: What the operator should know.
    private static func addUsers(of group: Group, to file: AccountFile) throws(Failure) -> [String]
    {
        let missing = group.users.filter { file.user($0.name) == nil }
        guard !missing.isEmpty else { return [] }
        do throws(AccountFileError) {
            try AccountFileEditor.edit(file.path) { editor throws(JSONError) in
                for user in missing where editor.json["users"]?[user.name] == nil {
                    // The path is where the Python program kept the mail; here it is always users/<user>/Maildir.
                    let kept = (user.settings.members ?? []).filter { $0.key != "path" }
                    try editor.insert(user.name, JSON(.object(kept)), into: ["users"])
                }
            }
        } catch {
            throw Failure("\(file.path): \(error)")
        }
        return missing.map {
            "\(group.name): the user \($0.name) was added with password and permissions"
        }
    }

    /// Where the Python program kept a user's mail; nil when there is no such folder.
    private static func mailFolder(
        of user: (name: String, settings: JSON), in group: Group, _ root: String
    ) -> String? {
        var candidates = ["\(root)/usermanager/\(group.name)/users/\(user.name)"]
        if let path = user.settings["path"]?.string {
            candidates.insert(path.hasPrefix("/") ? path : "\(root)/\(path)", at: 0)
        }
        return candidates.first { access($0, R_OK | X_OK) == 0 }
    }
}
