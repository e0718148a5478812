// SPDX-License-Identifier: Apache-2.0

extension AccountFile {
    /// Reads and checks a group's `group.json`.
    ///
    /// - Throws: Everything that is wrong with it.
    package static func load(
        group: String, places: Places
    ) throws(ConfigurationError) -> AccountFile {
        let path = places.groupFile(group)
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File(path: path).readAll(limit: 64 << 20)
        } catch {
            throw ConfigurationError(
                error, file: path,
                advice: "each of UserGroups has such a file; it holds \"users\" and \"bindDomains\""
            )
        }
        return try read(bytes, group: group, path: path)
    }

    /// Checks the text of a `group.json`.
    ///
    /// - Throws: Everything that is wrong with it, in the order of the file.
    package static func read(
        _ bytes: [UInt8], group: String, path: String
    ) throws(ConfigurationError) -> AccountFile {
        try read(bytes, group: group, ConfigurationReport(file: path))
    }

    /// Every key that `group.json` may have, with `*` for names that the operator chooses.
    ///
    /// For the check that the manual names them all.
    package static func knownKeys(in bytes: [UInt8]) throws(ConfigurationError) -> Set<String> {
        let report = ConfigurationReport(file: "group.json")
        _ = try read(bytes, group: "default", report)
        return Set(report.knownKeys)
    }

    private static func read(
        _ bytes: [UInt8], group: String, _ report: ConfigurationReport
    ) throws(ConfigurationError) -> AccountFile {
        let path = report.file
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw ConfigurationError(error, file: path)
        }
        let whole = ConfigurationField(
            json: json, key: "", path: "", pattern: "", place: json.place, report: report)
        let read: AccountFile? = whole.section { file in
            var result = AccountFile(group: group, path: path)
            result.domains = domains(file["bindDomains"], of: file)
            result.users = users(file["users"], group: group)
            if let field = file["subaddressSeparator"], let text = field.text() {
                result.subaddressSeparators = text
                if text.contains(where: { !"+-_=#%".contains($0) }) {
                    field.fail(
                        "\"\(text)\" cannot part a name from a tag",
                        "give \"+\", or \"\" for no tags")
                }
            }
            result.catchAll = file["catchAll"]?.targets() ?? []
            result.aliases = aliases(file["aliases"], in: result)
            result.checkTargets(file["catchAll"], file["aliases"])
            return result
        }
        try report.finish()
        guard var read else { throw ConfigurationError(report.problems) }
        read.warnings = report.warnings
        return read
    }

    private static func domains(
        _ field: ConfigurationField?, of file: ConfigurationSection
    ) -> [String] {
        guard let field else {
            file.fail("has no bindDomains", "name the group's mail domains there")
            return []
        }
        var result: [String] = []
        for name in field.names() ?? [] {
            let domain = name.lowercased()
            if !HostName.isValid(domain), SocketAddress(domain, port: 0) == nil {
                field.fail("\"\(name)\" is no domain", "give names such as \"example.org\"")
            } else if result.contains(domain) {
                field.warn("\"\(name)\" is named twice", "remove one")
            } else {
                result.append(domain)
            }
        }
        return result
    }

    private static func users(_ field: ConfigurationField?, group: String) -> [User] {
        var users: [User] = []
        var spellings: [String: String] = [:]
        for entry in field?.entries() ?? [] {
            if let advice = FolderName.fault(in: entry.key) {
                entry.fail("\"\(entry.key)\" cannot be a user's name", advice)
            }
            if let other = spellings.updateValue(entry.key, forKey: entry.key.lowercased()) {
                entry.fail(
                    "differs from user \"\(other)\" only in case, and mail is delivered in any case",
                    "rename one of them")
            }
            let user: User? = entry.section { readUser($0, named: entry.key, group: group) }
            users.append(user ?? User(name: entry.key))
        }
        return users
    }

    private static func readUser(
        _ section: ConfigurationSection, named name: String, group: String
    ) -> User {
        var user = User(name: name)
        user.password = section["password"]?.text().flatMap { $0.isEmpty ? nil : $0 }
        if let field = section["permissions"] { user.permissions = permissions(field) }
        user.senders = section["addresses"]?.list { $0.sender() } ?? []
        if let field = section["path"], let path = field.text() {
            checkPath(field, path, user: name, group: group)
        }
        _ = section["limits"]?.section { limits in
            user.messagesPerHour = limits["messagesPerHour"]?.integer(0...10_000_000, "messages")
            user.recipientsPerHour =
                limits["recipientsPerHour"]?.integer(0...10_000_000, "recipients")
        }
        return user
    }

    private static func permissions(_ field: ConfigurationField) -> Permissions {
        var result: Permissions = []
        let words = field.list { element -> Permissions? in
            guard let word = element.name() else { return nil }
            if let permission = Permissions(word: word) { return permission }
            if word.lowercased() == "send" {
                // Written by early versions of the Python program for every new user.
                element.warn(
                    "is taken for sendlocal, sendrelay and sendoutside", "name those that you mean")
                return [.sendLocal, .sendRelay, .sendOutside]
            }
            let known = Permissions.words.map(\.word)
            element.fail(
                "\"\(word)\" is no permission",
                KeySpelling.nearest(to: word, among: known).map { "did you mean \"\($0)\"?" }
                    ?? "known are \(known.joined(separator: ", "))")
            return nil
        }
        for word in words ?? [] { result.formUnion(word) }
        return result
    }

    /// Old files say where each user's mail lies; here that follows from the names.
    private static func checkPath(
        _ field: ConfigurationField, _ path: String, user: String, group: String
    ) {
        let parts = path.split { $0 == "/" || $0 == "\\" }.filter { $0 != "." }.map(String.init)
        let own = ["usermanager", group, "users", user]
        if parts.isEmpty || Array(parts.suffix(4)) == own { return }
        field.fail(
            "mail of this user lies in \(own.joined(separator: "/")), and not in \(path)",
            "move the folder there, and remove the key")
    }

    private static func aliases(_ field: ConfigurationField?, in file: AccountFile) -> [Alias] {
        var aliases: [Alias] = []
        var spellings: [String: String] = [:]
        for entry in field?.entries() ?? [] {
            if let sign = entry.key.lastIndex(of: "@") {
                let domain = entry.key[entry.key.index(after: sign)...].lowercased()
                if !file.domains.contains(domain) {
                    entry.fail(
                        "\(domain) is none of the group's bindDomains",
                        KeySpelling.nearest(to: domain, among: file.domains)
                            .map { "did you mean \"\($0)\"?" }
                            ?? "add it there, or correct the name")
                }
            }
            if entry.key.isEmpty || entry.key.hasPrefix("@") {
                entry.fail("names no address", "for every address that is nobody's use catchAll")
            }
            if let other = spellings.updateValue(entry.key, forKey: entry.key.lowercased()) {
                entry.fail("differs from alias \"\(other)\" only in case", "remove one of them")
            }
            let targets = entry.targets() ?? []
            if targets.isEmpty, entry.json.elements?.isEmpty == true {
                entry.fail("leads nowhere", "name a user or an address")
            }
            aliases.append(Alias(name: entry.key, targets: targets))
        }
        return aliases
    }
}

extension ConfigurationField {
    /// Where an alias leads: a user or an address, or a list of them.
    fileprivate func targets() -> [String]? {
        names()?.compactMap { name in
            let target = String(name.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            let sign = target.lastIndex(of: "@")
            let domain = sign.map { target[target.index(after: $0)...] } ?? "local"
            guard !target.isEmpty, sign != target.startIndex, HostName.isValid(String(domain))
            else {
                fail(
                    "\"\(name)\" is neither a user nor an address",
                    "give one such as \"user\" or \"user@example.org\"")
                return nil
            }
            return target
        }
    }

    /// What a login may send as.
    fileprivate func sender() -> String? {
        guard let text = name() else { return nil }
        if text == "*" { return text }
        guard let sign = text.lastIndex(of: "@"), sign != text.startIndex,
            HostName.isValid(String(text[text.index(after: sign)...]))
        else {
            fail(
                "\"\(text)\" is no address",
                "give \"user@example.org\", \"*@example.org\" for a domain, or \"*\" for any")
            return nil
        }
        return text
    }
}

extension Configuration {
    /// Reads the `group.json` of every group.
    ///
    /// - Throws: Everything that is wrong with any of them.
    package func readAccounts() throws(ConfigurationError) -> [AccountFile] {
        var files: [AccountFile] = []
        var problems: [ConfigurationProblem] = []
        for group in groups {
            do throws(ConfigurationError) {
                files.append(try AccountFile.load(group: group.name, places: places))
            } catch {
                problems += error.problems
            }
        }
        if problems.isEmpty { return files }
        throw ConfigurationError(problems)
    }
}
