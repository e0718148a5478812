// SPDX-License-Identifier: Apache-2.0

/// What reading one file has found out so far.
final class ConfigurationReport {
    /// For messages.
    let file: String
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []
    /// Every key that was asked for, with `*` for names that the operator chooses.
    private(set) var knownKeys: [String] = []

    init(file: String) {
        self.file = file
    }

    func fail(_ key: String, at place: JSONPlace, _ problem: String, _ advice: String = "") {
        problems.append(self.problem(key, at: place, problem, advice))
    }

    func warn(_ key: String, at place: JSONPlace, _ problem: String, _ advice: String = "") {
        warnings.append(self.problem(key, at: place, problem, advice))
    }

    func note(knownKey key: String) {
        knownKeys.append(key)
    }

    /// Throws everything that was found wrong, in the order of the file.
    func finish() throws(ConfigurationError) {
        if problems.isEmpty { return }
        throw ConfigurationError(
            problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
    }

    private func problem(
        _ key: String, at place: JSONPlace, _ problem: String, _ advice: String
    ) -> ConfigurationProblem {
        ConfigurationProblem(
            file: file, line: place.line, column: place.column, key: key, problem: problem,
            advice: advice)
    }
}

/// An object of settings: whoever reads it asks for the keys that there are, and what is left over is unknown.
///
/// So the reading code is the list of known keys, and the two cannot differ.
final class ConfigurationSection {
    let report: ConfigurationReport
    /// The keys that lead here, joined by dots; empty for the whole file.
    let path: String
    /// The same with `*` for names that the operator chooses.
    let pattern: String
    let place: JSONPlace
    private let members: [JSON.Member]
    private var asked: [String] = []
    private var understood: Set<String> = []

    init(
        _ members: [JSON.Member], at place: JSONPlace, path: String, pattern: String,
        report: ConfigurationReport
    ) {
        self.members = members
        self.place = place
        self.path = path
        self.pattern = pattern
        self.report = report
    }

    /// The value under a key; nil when it is absent or null.
    ///
    /// - Parameters:
    ///   - key: As new files spell it.
    ///   - aliases: Other names that count where this one is absent; the spelling with underscores needs no
    ///     mention.
    subscript(key: String, aliases: String...) -> ConfigurationField? {
        if !asked.contains(key) { asked.append(key) }
        report.note(knownKey: pattern.isEmpty ? key : "\(pattern).\(key)")
        let own = [key, KeySpelling.snakeCase(key)]
        let spellings = own + aliases
        let isFirst = understood.insert(key).inserted
        understood.formUnion(spellings)
        let given = spellings.compactMap { spelling in members.first { $0.key == spelling } }
        guard let found = given.first else { return nil }
        for other in given.dropFirst() where isFirst && other.value != found.value {
            let problem =
                "the same setting as \"\(found.key)\" on line \(found.keyPlace.line), with another value"
            // Between two spellings of one name nobody can tell; of two names the better known one counts.
            if own.contains(other.key) {
                report.fail(join(other.key), at: other.keyPlace, problem, "keep one of them")
            } else {
                report.warn(join(other.key), at: other.keyPlace, problem, "this one does not count")
            }
        }
        guard !found.value.isNull else { return nil }
        return field(of: found)
    }

    /// Reports the keys that nobody has asked for.
    func finish() {
        for member in members where !understood.contains(member.key) {
            let nearest = KeySpelling.nearest(to: member.key, among: asked)
            report.fail(
                join(member.key), at: member.keyPlace, "unknown key",
                nearest.map { "did you mean \"\($0)\"?" }
                    ?? "known here are \(asked.joined(separator: ", "))")
        }
    }

    /// Reports a problem of the object as a whole.
    func fail(_ problem: String, _ advice: String = "") {
        report.fail(path, at: place, problem, advice)
    }

    private func field(of member: JSON.Member) -> ConfigurationField {
        ConfigurationField(
            json: member.value, key: member.key, path: join(member.key),
            pattern: pattern.isEmpty ? member.key : "\(pattern).\(member.key)",
            place: member.keyPlace, report: report)
    }

    private func join(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}
