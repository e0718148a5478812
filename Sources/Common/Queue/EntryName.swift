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
        let octets = name.utf8
        guard octets.count > QueueID.textLength else { return nil }
        let dot = octets.index(octets.startIndex, offsetBy: QueueID.textLength)
        guard octets[dot] == UInt8(ascii: "."), let id = QueueID(octets: octets[..<dot]) else {
            return nil
        }
        let rest = octets[octets.index(after: dot)...]
        let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.endIndex
        guard let middle = rest[..<end].firstIndex(of: UInt8(ascii: ".")),
            let group = NamePart.unescape(octets: rest[..<middle]),
            let user = NamePart.unescape(octets: rest[rest.index(after: middle)..<end])
        else { return nil }
        var claim: Claim?
        if end != rest.endIndex {
            claim = Claim(octets: rest[rest.index(after: end)...])
            if claim == nil { return nil }
        }
        self.init(id: id, account: AccountName(group: group, user: user), claim: claim)
    }
}

extension EntryName.Claim {
    /// Reads `S=<octets>,C=<crc32c>` in the only spelling that we write.
    fileprivate init?(octets: Substring.UTF8View) {
        var rest = octets.makeIterator()
        guard rest.next() == UInt8(ascii: "S"), rest.next() == UInt8(ascii: "=") else { return nil }
        var size = 0
        var digits = 0
        while let octet = rest.next(), octet != UInt8(ascii: ",") {
            // No leading zeros; eighteen digits cannot overflow.
            guard 0x30...0x39 ~= octet, digits < 18, size > 0 || digits == 0 else { return nil }
            size = size * 10 + Int(octet - 0x30)
            digits += 1
        }
        guard digits > 0, rest.next() == UInt8(ascii: "C"), rest.next() == UInt8(ascii: "=") else {
            return nil
        }
        var checksum: UInt32 = 0
        for _ in 0..<8 {
            switch rest.next() {
            case .some(let octet) where 0x30...0x39 ~= octet:
                checksum = checksum << 4 | UInt32(octet - 0x30)
            case .some(let octet) where 0x61...0x66 ~= octet:
                checksum = checksum << 4 | UInt32(octet - 0x61 + 10)
            default: return nil
            }
        }
        guard rest.next() == nil else { return nil }
        self.init(size: size, checksum: checksum)
    }
}
