// SPDX-License-Identifier: Apache-2.0

/// What an account may do, by the words of `group.json`.
package struct Permissions: OptionSet, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Mail for the account is taken in.
    package static let receive = Self(rawValue: 1)
    /// A login may send to accounts of its own group.
    package static let sendLocal = Self(rawValue: 2)
    /// A login may send to foreign domains through the smarthost.
    package static let sendRelay = Self(rawValue: 4)
    /// A login may send to foreign domains directly.
    package static let sendOutside = Self(rawValue: 8)

    /// Every permission with its word in `group.json`, in the order of the samples.
    package static let words: [(word: String, permission: Self)] = [
        ("receive", .receive), ("sendlocal", .sendLocal), ("sendrelay", .sendRelay),
        ("sendoutside", .sendOutside),
    ]

    /// The permission that a word of `group.json` names, in any case; nil for any other word.
    package init?(word: String) {
        let lower = word.lowercased()
        guard let found = Self.words.first(where: { $0.word == lower }) else { return nil }
        self = found.permission
    }

    package var description: String {
        Self.words.filter { contains($0.permission) }.map(\.word).joined(separator: " ")
    }
}
