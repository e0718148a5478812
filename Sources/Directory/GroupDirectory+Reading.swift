// SPDX-License-Identifier: Apache-2.0
package import Common

extension GroupDirectory {
    /// The accounts of a `group.json`.
    package init(_ file: AccountFile) {
        let accounts = file.users.map { user in
            Account(
                name: AccountName(group: file.group, user: user.name),
                password: StoredPassword(user.password), permissions: user.permissions,
                allowance: Allowance(
                    messages: user.messagesPerHour, recipients: user.recipientsPerHour),
                senders: user.senders)
        }
        self.init(
            group: file.group, domains: file.domains, accounts: accounts,
            aliases: Dictionary(
                file.aliases.map { ($0.name, $0.targets) }, uniquingKeysWith: { $0 + $1 }),
            catchAll: file.catchAll, separators: file.subaddressSeparators)
    }
}
