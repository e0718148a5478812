// SPDX-License-Identifier: Apache-2.0
package import Mail

/// The name of a local entry: `<id>.<group>.<user>,S=<octets>,C=<crc32c>`; the entry has no other envelope.
package struct EntryName: Hashable, Sendable {
    /// What the name says about the contents.
    package struct Claim: Hashable, Sendable {
        /// Octets.
        package let size: Int
        /// CRC-32C.
        package let checksum: UInt32

        package init(size: Int, checksum: UInt32) {
            self.size = size
            self.checksum = checksum
        }
    }

    package let id: QueueID
    package let account: AccountName
    /// Nil in a name that an operator made: the contents are then taken as they are.
    package let claim: Claim?

    package init(id: QueueID, account: AccountName, claim: Claim?) {
        self.id = id
        self.account = account
        self.claim = claim
    }
}

extension EntryName {
    /// The octets of an entry's name that group and user, escaped, may take together.
    ///
    /// NAME_MAX is 255; id, signs and checksum take 42, the length up to 13.
    package static let roomForAccount = 200

    /// Whether the account can be named in an entry; configuration refuses those for which it cannot.
    package static func canName(_ account: AccountName) -> Bool {
        NamePart.isFolderName(account.group) && NamePart.isFolderName(account.user)
            && NamePart.escape(account.group).utf8.count + NamePart.escape(account.user).utf8.count
                <= roomForAccount
    }

    /// The file name.
    package var text: String {
        let account = "\(NamePart.escape(account.group)).\(NamePart.escape(account.user))"
        guard let claim else { return "\(id).\(account)" }
        let digits = String(claim.checksum, radix: 16)
        let zeros = String(repeating: "0", count: 8 - digits.utf8.count)
        return "\(id).\(account),S=\(claim.size),C=\(zeros)\(digits)"
    }

    /// Reads a file name; nil unless ``text`` would give the same octets again.
    package init?(_ name: String) {
        let parts = name.split(separator: ",", omittingEmptySubsequences: false)
        let names = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard names.count == 3, let id = QueueID(names[0]),
            let group = NamePart.unescape(names[1]), let user = NamePart.unescape(names[2])
        else { return nil }
        let account = AccountName(group: group, user: user)
        if parts.count == 1 {
            self.init(id: id, account: account, claim: nil)
            return
        }
        guard parts.count == 3,
            let size = Self.value(of: "S=", in: parts[1], radix: 10), size >= 0,
            let checksum = Self.value(of: "C=", in: parts[2], radix: 16),
            let checksum = UInt32(exactly: checksum)
        else { return nil }
        self.init(id: id, account: account, claim: Claim(size: size, checksum: checksum))
        // Leading zeros, signs, upper case: only the spelling that we write.
        guard text.utf8.elementsEqual(name.utf8) else { return nil }
    }

    private static func value(of key: String, in part: Substring, radix: Int) -> Int? {
        part.hasPrefix(key) ? Int(part.dropFirst(key.utf8.count), radix: radix) : nil
    }
}
