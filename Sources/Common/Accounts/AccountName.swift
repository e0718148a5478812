// SPDX-License-Identifier: Apache-2.0

/// Which account: a user of a group, each spelt as its folder is.
package struct AccountName: Hashable, Sendable, CustomStringConvertible {
    package let group: String
    package let user: String

    package init(group: String, user: String) {
        self.group = group
        self.user = user
    }

    package var description: String { "\(group)/\(user)" }
}
