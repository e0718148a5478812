// SPDX-License-Identifier: Apache-2.0
import Common

/// The text of a `group.json` under change: everything that is not named stays as its author wrote it.
struct GroupText {
    private(set) var editor: JSONEditor

    /// Takes over a text.
    init(_ editor: JSONEditor) {
        self.editor = editor
    }

    // MARK: Users

    /// Adds a user.
    ///
    /// - Parameters:
    ///   - name: A name that no user has.
    ///   - hash: Of the password; nil for a user who cannot log in.
    ///   - permissions: What the user may do.
    /// - Throws: ``Failure``.
    mutating func addUser(
        _ name: String, hash: String?, permissions: Permissions
    ) throws(Failure) {
        let users = try container("users", empty: JSON(.object([])))
        if let other = user(like: name) {
            throw Failure(
                "there is already a user \(other)",
                cure: "wmail user passwd \(other)   # a new password for this one")
        }
        var members: [(String, JSON)] = []
        if let hash { members.append(("password", .string(hash))) }
        members.append(("permissions", Self.words(permissions)))
        try edit { editor throws(JSONError) in
            try editor.insert(name, .object(members), into: [.key(users)])
        }
    }

    /// Gives a user another password.
    ///
    /// - Throws: ``Failure``.
    mutating func setPassword(_ hash: String, of name: String) throws(Failure) {
        try set("password", .string(hash), of: name)
    }

    /// Gives a user exactly these permissions.
    ///
    /// - Throws: ``Failure``.
    mutating func setPermissions(_ permissions: Permissions, of name: String) throws(Failure) {
        try set("permissions", Self.words(permissions), of: name)
    }

    /// Takes a user out; the mail stays where it is.
    ///
    /// - Throws: ``Failure``.
    mutating func removeUser(_ name: String) throws(Failure) {
        let name = try existingUser(name)
        let users = key("users")
        try edit { editor throws(JSONError) in try editor.remove([.key(users), .key(name)]) }
    }

    private mutating func set(_ key: String, _ value: JSON, of name: String) throws(Failure) {
        let name = try existingUser(name)
        let users = self.key("users")
        guard let user = editor.json[users]?[name], user.members != nil else {
            throw Failure("user \(name) is no object", cure: "correct the file by hand")
        }
        try edit { editor throws(JSONError) in
            if user[key] != nil {
                try editor.replace([.key(users), .key(name), .key(key)], with: value)
            } else {
                try editor.insert(key, value, into: [.key(users), .key(name)])
            }
        }
    }

    private func user(like name: String) -> String? {
        let names = editor.json[key("users")]?.members?.map(\.key) ?? []
        return names.first { $0 == name }
            ?? names.first { $0.lowercased() == name.lowercased() }
    }

    private func existingUser(_ name: String) throws(Failure) -> String {
        if let user = user(like: name) { return user }
        let names = editor.json[key("users")]?.members?.map(\.key) ?? []
        throw Failure(
            "there is no user \(name)",
            cure: names.isEmpty
                ? "wmail user add \(name)" : "there are: \(names.joined(separator: ", "))")
    }

    // MARK: Domains

    /// Adds a mail domain.
    ///
    /// - Throws: ``Failure``.
    mutating func addDomain(_ name: String) throws(Failure) {
        let domains = try container("bindDomains", empty: [])
        guard domainIndex(name) == nil else {
            throw Failure("\(name) is already a domain of this group")
        }
        // An old file may have one name without brackets.
        let single = editor.json[domains]?.string
        try edit { editor throws(JSONError) in
            if let single {
                try editor.replace([.key(domains)], with: .strings([single, name]))
            } else {
                try editor.append(.string(name), to: [.key(domains)])
            }
        }
    }

    /// Takes a mail domain out.
    ///
    /// - Throws: ``Failure``.
    mutating func removeDomain(_ name: String) throws(Failure) {
        let domains = key("bindDomains")
        guard let index = domainIndex(name), editor.json[domains]?.elements != nil else {
            throw Failure("\(name) is no domain of this group", cure: "wmail domain list")
        }
        try edit { editor throws(JSONError) in
            try editor.remove([.key(domains), .index(index)])
        }
    }

    private func domainIndex(_ name: String) -> Int? {
        let list = editor.json[key("bindDomains")]
        let names = list?.string.map { [$0] } ?? list?.elements?.map { $0.string ?? "" } ?? []
        return names.firstIndex { $0.lowercased() == name.lowercased() }
    }

    // MARK: Aliases

    /// Lets an alias lead to these too; makes it if there is none.
    ///
    /// - Returns: Everything that it leads to now.
    /// - Throws: ``Failure``.
    mutating func addAlias(_ name: String, to targets: [String]) throws(Failure) -> [String] {
        let aliases = try container("aliases", empty: JSON(.object([])))
        let known = alias(like: name)
        let old = known.map { Self.targets(editor.json[aliases]?[$0]) } ?? []
        let added = targets.filter { target in
            !old.contains { $0.lowercased() == target.lowercased() }
        }
        let all = old + added
        let value = all.count == 1 ? JSON.string(all[0]) : .strings(all)
        try edit { editor throws(JSONError) in
            if let known {
                if !added.isEmpty {
                    try editor.replace([.key(aliases), .key(known)], with: value)
                }
            } else {
                try editor.insert(name, value, into: [.key(aliases)])
            }
        }
        return all
    }

    /// Takes targets out of an alias, and the alias itself when none is left or none is named.
    ///
    /// - Returns: Everything that it still leads to.
    /// - Throws: ``Failure``.
    mutating func removeAlias(_ name: String, to targets: [String]) throws(Failure) -> [String] {
        let aliases = key("aliases")
        guard let known = alias(like: name) else {
            throw Failure("there is no alias \(name)", cure: "wmail alias list")
        }
        let old = Self.targets(editor.json[aliases]?[known])
        let gone = Set(targets.map { $0.lowercased() })
        for target in targets where !old.contains(where: { $0.lowercased() == target.lowercased() })
        {
            throw Failure(
                "alias \(known) does not lead to \(target)",
                cure: "it leads to \(old.joined(separator: ", "))")
        }
        let left = targets.isEmpty ? [] : old.filter { !gone.contains($0.lowercased()) }
        try edit { editor throws(JSONError) in
            if left.isEmpty {
                try editor.remove([.key(aliases), .key(known)])
            } else {
                try editor.replace(
                    [.key(aliases), .key(known)],
                    with: left.count == 1 ? .string(left[0]) : .strings(left))
            }
        }
        return left
    }

    private func alias(like name: String) -> String? {
        let names = editor.json[key("aliases")]?.members?.map(\.key) ?? []
        return names.first { $0.lowercased() == name.lowercased() }
    }

    private static func targets(_ json: JSON?) -> [String] {
        json?.string.map { [$0] } ?? json?.elements?.compactMap(\.string) ?? []
    }

    // MARK: Text

    private static func words(_ permissions: Permissions) -> JSON {
        .strings(Permissions.words.filter { permissions.contains($0.permission) }.map(\.word))
    }

    /// The key as this file spells it.
    private func key(_ name: String) -> String {
        let spellings = [name, KeySpelling.snakeCase(name)]
        return editor.json.members?.first { spellings.contains($0.key) }?.key ?? name
    }

    /// The key of a container that is there, or is now.
    private mutating func container(_ name: String, empty: JSON) throws(Failure) -> String {
        let key = key(name)
        guard let value = editor.json[key] else {
            try edit { editor throws(JSONError) in try editor.insert(key, empty) }
            return key
        }
        if value.isNull {
            try edit { editor throws(JSONError) in try editor.replace([.key(key)], with: empty) }
        }
        return key
    }

    private mutating func edit<Ignored>(
        _ body: (inout JSONEditor) throws(JSONError) -> Ignored
    ) throws(Failure) {
        do throws(JSONError) {
            _ = try body(&editor)
        } catch {
            throw Failure(error.description, cure: "correct the file by hand")
        }
    }
}
