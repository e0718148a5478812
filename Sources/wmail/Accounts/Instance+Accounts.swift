// SPDX-License-Identifier: Apache-2.0
import Common

/// Looking things up in the groups' files.
extension Instance {
    /// The files of one group, or of all.
    ///
    /// - Throws: ``Failure``.
    func accounts(of group: String?) throws(Failure) -> [AccountFile] {
        let files = try accounts()
        guard let group else { return files }
        let name = try Self.chosen(group, among: files)
        return files.filter { $0.group == name }
    }

    /// The user as the file has it now.
    ///
    /// - Throws: ``Failure`` when there is none.
    func account(_ named: Named) throws(Failure) -> AccountFile.User {
        let file = try accounts(of: named.group).first
        if let user = file?.user(named.name) { return user }
        let names = file?.users.map(\.name) ?? []
        throw Failure(
            "there is no user \(named.name) in group \(named.group)",
            cure: KeySpelling.nearest(to: named.name, among: names).map { "did you mean \($0)?" }
                ?? "wmail user list")
    }

    /// The user's own address.
    ///
    /// - Throws: ``Failure``.
    func address(of named: Named) throws(Failure) -> String {
        try accounts(of: named.group).first?.address(of: named.name) ?? named.name
    }
}

extension AccountFile {
    /// A user's own address: in the group's first domain.
    func address(of user: String) -> String {
        domains.first.map { "\(user)@\($0)" } ?? user
    }
}
