// SPDX-License-Identifier: Apache-2.0

/// Aliases that lead nowhere or in a circle are refused when the file is read, not when mail comes.
extension AccountFile {
    /// Reports targets that nobody answers to, and circles.
    func checkTargets(_ catchAll: ConfigurationField?, _ aliases: ConfigurationField?) {
        let names = Names(self)
        if let catchAll {
            for target in self.catchAll where names.isNobody(target) {
                catchAll.fail("\"\(target)\" is neither a user nor an alias", names.advice(target))
            }
        }
        for entry in aliases?.entries() ?? [] {
            guard let alias = self.aliases.first(where: { $0.name == entry.key }) else { continue }
            for target in alias.targets where names.isNobody(target) {
                entry.fail("\"\(target)\" is neither a user nor an alias", names.advice(target))
            }
            if let circle = names.circle(from: alias) {
                entry.fail(
                    "leads back to itself: \(circle.joined(separator: " → "))",
                    "take one of them out")
            }
        }
    }
}

/// Who there is in a group, by spelling.
private struct Names {
    private let domains: Set<String>
    private let users: [String: String]
    private let aliases: [String: AccountFile.Alias]
    private let separators: String

    init(_ file: AccountFile) {
        domains = Set(file.domains)
        separators = file.subaddressSeparators
        users = Dictionary(
            file.users.map { ($0.name.lowercased(), $0.name) }, uniquingKeysWith: { $1 })
        aliases = Dictionary(
            file.aliases.map { ($0.name.lowercased(), $0) }, uniquingKeysWith: { $1 })
    }

    /// Whether a target is of the group and yet nobody answers to it.
    func isNobody(_ target: String) -> Bool {
        guard let name = localName(target) else { return false }
        return alias(target) == nil && users[name] == nil && users[untagged(name)] == nil
    }

    func advice(_ target: String) -> String {
        let known = Array(users.values) + aliases.values.map(\.name)
        return KeySpelling.nearest(to: target, among: known.sorted())
            .map { "did you mean \"\($0)\"?" } ?? "add the user, or give a whole address"
    }

    /// The aliases from one back to it; nil when it leads to no circle.
    ///
    /// A user of the alias's own name ends a way: `info` may lead to the users `info` and `boss`.
    func circle(from start: AccountFile.Alias) -> [String]? {
        var seen: Set<String> = []
        func walk(_ alias: AccountFile.Alias, _ way: [String]) -> [String]? {
            for target in alias.targets {
                guard let next = self.alias(target) else { continue }
                if next.name == start.name {
                    if users[localName(target) ?? ""] != nil { continue }
                    return way + [next.name]
                }
                if seen.insert(next.name).inserted, let found = walk(next, way + [next.name]) {
                    return found
                }
            }
            return nil
        }
        return walk(start, [start.name])
    }

    /// The alias that a target names: of the whole address, else of the name.
    private func alias(_ target: String) -> AccountFile.Alias? {
        guard let name = localName(target) else { return nil }
        return aliases[target.lowercased()] ?? aliases[name]
    }

    /// The name before the `@` in lower case; nil for an address of another domain.
    private func localName(_ target: String) -> String? {
        guard let sign = target.lastIndex(of: "@") else { return target.lowercased() }
        let domain = target[target.index(after: sign)...].lowercased()
        return domains.contains(domain) ? target[..<sign].lowercased() : nil
    }

    private func untagged(_ name: String) -> String {
        String(name.prefix { !separators.contains($0) })
    }
}
