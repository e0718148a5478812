// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc

extension GroupCommand {
    /// `wmail group add`.
    struct Add: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a group with its first domain and enters it in config.json.",
            discussion: """
                Its folder gets the owners and rights of an existing group's. It serves nobody until a service of \
                config.json has it as userGroup.
                """)

        @Argument(help: "The name, which is also that of its folder.") var name: String
        @Option(help: "Its first mail domain.") var domain: String
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            if let advice = FolderName.fault(in: name) {
                throw Failure("\"\(name)\" cannot be a group's name", cure: advice)
            }
            let files = try instance.accounts()
            if let other = files.first(where: { $0.group.lowercased() == name.lowercased() }) {
                throw Failure("there is already a group \(other.group)")
            }
            if let other = files.first(where: { $0.domains.contains(domain.lowercased()) }) {
                throw Failure("\(domain) is already a domain of group \(other.group)")
            }
            let text = InitialFiles(domain: domain).group(named: name)
            do throws(ConfigurationError) {
                _ = try AccountFile.read(
                    Array(text.utf8), group: name, path: instance.places.groupFile(name))
            } catch {
                throw Failure(error)
            }
            try translating { () throws(SystemError) in
                try Self.make(text, name, like: files.first?.group, in: instance.places)
            }
            try instance.enterGroup(name)
            let json: JSON = ["group": .string(name), "domain": .string(domain)]
            let file = instance.places.configurationFile
            return Answer(json: json) { palette in
                """
                Group \(palette.strong(name)) is there. Go on with:

                  editor \(file)   # give a service "userGroup": "\(name)"
                  wmail check && systemctl reload wmailserver
                  wmail user add NAME@\(domain)

                """
            }
        }

        /// Makes the folder, its `users` and its `group.json`, each belonging to whom another group's belongs.
        private static func make(
            _ text: String, _ name: String, like other: String?, in places: Places
        ) throws(SystemError) {
            let groups = try Folder(places.userManager)
            try groups.makeFolder(name)
            let group = try Folder(name, in: groups)
            try group.makeFolder("users")
            let file = try File(
                "group.json", in: group, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try file.write(Array(text.utf8))
            try file.synchronize()
            try group.synchronize()
            guard let other else { return }
            let model = try Folder(other, in: groups)
            try give("group.json", in: group, like: "group.json", in: model)
            do throws(SystemError) {
                try give("users", in: group, like: "users", in: model)
            } catch  where error.code == ENOENT {
                // An instance that has never run; its first start gives everything its rights.
            }
            try give(name, in: groups, like: other, in: groups)
        }

        private static func give(
            _ name: String, in folder: borrowing Folder, like other: String,
            in model: borrowing Folder
        ) throws(SystemError) {
            let status = try model.status(of: other)
            let number = folder.number
            let path = "\(folder.path)/\(name)"
            if geteuid() == 0 {
                try check("fchownat", on: path) {
                    fchownat(number, name, status.owner, status.group, AT_SYMLINK_NOFOLLOW)
                }
            }
            try check("fchmodat", on: path) { fchmodat(number, name, status.permissions, 0) }
        }
    }
}

extension Instance {
    /// Adds a group to `UserGroups` of config.json.
    ///
    /// - Throws: ``Failure``; the file is then as it was.
    func enterGroup(_ name: String) throws(Failure) {
        let (path, places) = (places.configurationFile, places)
        try changeFile(path) { editor throws(Failure) in
            let spellings = ["UserGroups", KeySpelling.snakeCase("UserGroups")]
            let key = editor.json.members?.first { spellings.contains($0.key) }?.key
            do throws(JSONError) {
                if let key {
                    try editor.insert(name, JSON(.object([])), into: [.key(key)])
                } else {
                    try editor.insert("UserGroups", [name: JSON(.object([]))])
                }
            } catch {
                throw Failure("\(path): \(error)", cure: "correct it by hand")
            }
            do throws(ConfigurationError) {
                _ = try ConfigurationFile.read(editor.bytes, file: path, places: places)
            } catch {
                throw Failure(error)
            }
        }
    }
}
