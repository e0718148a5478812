// SPDX-License-Identifier: Apache-2.0
import Common
import Directory

/// The accounts of all groups, as their `group.json` are now.
///
/// A file is looked at when somebody asks, after a second at the earliest, and read again when it has
/// changed. A mistake in an edit is told in the log and the accounts stay as they were.
final class Accounts {
    private struct Group {
        var directory: GroupDirectory?
        var file: AccountFile?
        var mark: Mark?
        var checked: Deadline?
        /// What was last told to be wrong, so that it is told once.
        var problem = ""
        var isHashing = false
    }

    /// What of a file changes when somebody writes to it.
    private struct Mark: Equatable {
        let inode: UInt64
        let size: Int
        let modified: Int
        /// Whether it was written so shortly before it was read that another write would not show.
        let isFresh: Bool
    }

    /// Called when accounts have changed.
    var onChange: (() -> Void)?

    private let places: Places
    private let pool: PasswordPool
    private let interval: Double
    private var groups: [String: Group]

    /// The groups of the configuration; nothing is read yet.
    ///
    /// - Parameters:
    ///   - groups: Their names.
    ///   - places: Where their files are.
    ///   - pool: Where plain passwords are hashed.
    ///   - interval: Seconds for which a file is not looked at again.
    init(groups: [String], places: Places, pool: PasswordPool, interval: Double = 1) {
        self.interval = interval
        self.places = places
        self.pool = pool
        self.groups = Dictionary(uniqueKeysWithValues: groups.map { ($0, Group()) })
    }

    /// Reads all groups.
    func load() {
        for name in groups.keys.sorted() { _ = directory(of: name) }
    }

    /// The accounts of a group; nil for an unknown group, and for one whose file was never right.
    func directory(of name: String) -> GroupDirectory? {
        guard let group = groups[name] else { return nil }
        let now = Deadline.now
        if let checked = group.checked, now.seconds(since: checked) < interval {
            return group.directory
        }
        groups[name]?.checked = now
        refresh(name)
        return groups[name]?.directory
    }

    private func refresh(_ name: String) {
        let path = places.groupFile(name)
        do throws(SystemError) {
            let status = try Folder(places.group(name)).status(of: "group.json")
            let mark = Mark(
                inode: status.inode, size: status.size, modified: status.modified,
                isFresh: WallClock.seconds - status.modified < 2)
            if mark == groups[name]?.mark, !mark.isFresh { return }
            groups[name]?.mark = mark
        } catch {
            tell(name, "\(path): \(error.reason)")
            return
        }
        do throws(ConfigurationError) {
            let file = try AccountFile.load(group: name, places: places)
            groups[name]?.problem = ""
            if file != groups[name]?.file { take(file) }
        } catch {
            tell(name, error.description)
        }
    }

    private func tell(_ name: String, _ problem: String) {
        guard problem != groups[name]?.problem else { return }
        groups[name]?.problem = problem
        let kept = groups[name]?.directory != nil
        for line in problem.split(separator: "\n") {
            Log.write(
                .error, "accounts.refused",
                [
                    "group": name, "error": line,
                    "hint": kept
                        ? "the accounts stay as they were" : "nobody of the group can log in",
                ])
        }
    }

    private func take(_ file: AccountFile) {
        let directory = GroupDirectory(file)
        groups[file.group]?.file = file
        groups[file.group]?.directory = directory
        Log.write(
            .info, "accounts.loaded",
            [
                "group": file.group, "users": file.users.count,
                "aliases": file.aliases.count, "domains": file.domains.joined(separator: ","),
            ])
        for warning in file.warnings {
            Log.write(.warning, "accounts.warning", ["group": file.group, "warning": warning])
        }
        for user in file.users where GroupDirectory.key(ofLogin: user.name) == nil {
            Log.write(
                .warning, "accounts.name-unusable",
                [
                    "group": file.group, "user": user.name,
                    "hint": "nobody can log in by such a name; make a user of another one",
                ])
        }
        for user in file.users where user.password != nil {
            guard directory[user.name]?.password == StoredPassword.none else { continue }
            Log.write(
                .warning, "accounts.password-unusable",
                [
                    "group": file.group, "user": user.name,
                    "hint": "the hash is of a kind that is not accepted; set the password anew",
                ])
        }
        onChange?()
        hashPlainPasswords(of: file)
    }

    // MARK: Plain passwords

    private func hashPlainPasswords(of file: AccountFile) {
        let plain: [(user: String, password: String)] = file.users.compactMap { user in
            guard let text = user.password, case .plain = StoredPassword(text) else { return nil }
            return (user.name, text)
        }
        guard !plain.isEmpty, groups[file.group]?.isHashing == false else { return }
        groups[file.group]?.isHashing = true
        Task {
            await replace(plain, in: file)
            groups[file.group]?.isHashing = false
            // What has been changed meanwhile is read now and hashed too.
            groups[file.group]?.mark = nil
            refresh(file.group)
        }
    }

    private func replace(_ plain: [(user: String, password: String)], in file: AccountFile) async {
        var hashes: [String: (plain: String, hash: String)] = [:]
        for (user, password) in plain {
            do throws(SystemError) {
                guard let prepared = SASLprep.query(password) else {
                    tellUnhashed(user, file.group, "it has characters that no password may have")
                    continue
                }
                let hash = try await pool.run { () throws(SystemError) in
                    try PasswordHash(of: Array(prepared.utf8))
                }
                hashes[user] = (password, hash.text)
            } catch {
                tellUnhashed(user, file.group, error.reason)
            }
        }
        if !hashes.isEmpty { await write(hashes, to: file) }
    }

    private func tellUnhashed(_ user: String, _ group: String, _ error: String) {
        Log.write(
            .warning, "accounts.password-unhashed",
            [
                "group": group, "user": user, "error": error,
                "hint":
                    "nobody can log in with it: a password has 1 to 511 octets, no control characters, and not "
                    + "words from right to left and from left to right at once; set it anew",
            ])
    }

    private func write(
        _ hashes: [String: (plain: String, hash: String)], to file: AccountFile
    ) async {
        let path = file.path
        for attempt in 1... {
            do throws(AccountFileError) {
                let users = try await pool.run { () throws(AccountFileError) in
                    try AccountFileEditor.replacePasswords(hashes, inFileAt: path)
                }
                Log.write(
                    .notice, "accounts.hashed", ["group": file.group, "passwords": users.count])
                return
            } catch {
                if error == .busy, attempt < 30 {
                    await sleep(until: .seconds(1))
                    continue
                }
                Log.write(
                    .error, "accounts.hash-unwritten",
                    [
                        "group": file.group, "error": error,
                        "hint": "plain passwords stay in \(path); give the file to wmail-auth",
                    ])
                return
            }
        }
    }
}
