// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Finding the group that a name belongs to, and changing its file.
extension Instance {
    /// A user, domain or alias that the operator names, and the group that it belongs to.
    struct Named: Equatable {
        let name: String
        let group: String
    }

    /// How long another process may be changing the file, in tries of a tenth of a second.
    private static let patience = 50

    /// The user whom a word means: `alice`, or `alice@example.org` with a domain of a group.
    ///
    /// - Throws: ``Failure`` when it is not clear which group is meant.
    func user(_ word: String, group: String?) throws(Failure) -> Named {
        try Self.user(word, group: group, among: accounts())
    }

    /// The same among the groups that there are.
    static func user(
        _ word: String, group: String?, among files: [AccountFile]
    ) throws(Failure) -> Named {
        guard let sign = word.lastIndex(of: "@") else {
            return Named(name: word, group: try chosen(group, among: files, for: word))
        }
        let domain = word[word.index(after: sign)...].lowercased()
        guard let file = files.first(where: { $0.domains.contains(domain) }) else {
            throw Failure(
                "\(domain) is a domain of no group", cure: "wmail domain add \(domain)")
        }
        if let group, group != file.group {
            throw Failure("\(domain) belongs to group \(file.group), and not to \(group)")
        }
        return Named(name: String(word[..<sign]), group: file.group)
    }

    /// The group that `--group` names, or the only one, or the only one that has such a user.
    static func chosen(
        _ group: String?, among files: [AccountFile], for user: String? = nil
    ) throws(Failure) -> String {
        if let group {
            guard files.contains(where: { $0.group == group }) else {
                throw Failure("there is no group \(group)", cure: "wmail group list")
            }
            return group
        }
        if files.count == 1 { return files[0].group }
        let having = files.filter { file in user.map { file.user($0) != nil } ?? false }
        if having.count == 1 { return having[0].group }
        throw Failure(
            "there are several groups: \(files.map(\.group).joined(separator: ", "))",
            cure: "say which by --group, or give a whole address")
    }

    /// Changes the `group.json` of a group, if what comes out is right.
    ///
    /// - Throws: ``Failure``; the file is then as it was.
    func change(
        _ group: String, _ body: (inout GroupText) throws(Failure) -> Void
    ) throws(Failure) {
        let path = places.groupFile(group)
        try changeFile(path) { editor throws(Failure) in
            var text = GroupText(editor)
            try body(&text)
            do throws(ConfigurationError) {
                _ = try AccountFile.read(text.editor.bytes, group: group, path: path)
            } catch {
                throw Failure(
                    error.description,
                    cure: "nothing was changed",
                    status: .no)
            }
            editor = text.editor
        }
    }

    /// Changes a JSON file of the operator's, atomically; waits a little for others who are changing it.
    ///
    /// - Throws: ``Failure``; the file is then as it was.
    func changeFile(
        _ path: String, _ body: (inout JSONEditor) throws(Failure) -> Void
    ) throws(Failure) {
        for attempt in 1... {
            var failure: Failure?
            do throws(AccountFileError) {
                try AccountFileEditor.edit(path) { editor in
                    let old = editor
                    do throws(Failure) {
                        try body(&editor)
                    } catch {
                        failure = error
                        editor = old
                    }
                }
            } catch {
                if error == .busy, attempt < Self.patience {
                    usleep(100_000)
                    continue
                }
                throw Self.failure(error, path)
            }
            if let failure { throw failure }
            return
        }
    }

    private static func failure(_ error: AccountFileError, _ path: String) -> Failure {
        switch error {
        case .system(let error): Failure(error)
        case .text(let error): Failure("\(path): \(error.description)", cure: "correct it by hand")
        case .busy: Failure("\(path): \(error.description)", cure: "try again")
        }
    }
}
