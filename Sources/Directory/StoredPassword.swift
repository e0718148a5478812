// SPDX-License-Identifier: Apache-2.0
package import Common

/// What `group.json` holds to tell an account's password.
package enum StoredPassword: Hashable, Sendable, CustomStringConvertible {
    case hash(PasswordHash)
    /// As an operator typed it in; it is replaced by its hash soon.
    case plain(String)
    /// No password fits: an account without login, or a hash of a kind that is not accepted.
    case none

    /// Takes the text of the key `password`.
    package init(_ text: String?) {
        guard let text, !text.isEmpty else {
            self = .none
            return
        }
        if let hash = PasswordHash(text) {
            self = .hash(hash)
        } else {
            self = Self.isForeignHash(text) ? .none : .plain(text)
        }
    }

    /// Whether it seems to be a hash of a kind that is not accepted, such as `$1$salt$…` or `{SSHA}…`: to
    /// take it for a plain password would put the hash of a hash in its place.
    private static func isForeignHash(_ text: String) -> Bool {
        guard text.utf8.count >= 20, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return false
        }
        let head = text.dropFirst().prefix(8)
        return text.hasPrefix("$") && head.contains("$")
            || text.hasPrefix("{") && text.prefix(20).contains("}")
    }

    /// Never what it is.
    package var description: String { "(password)" }

    /// What distinguishes it from any other, for a keyed hash.
    package var bytes: [UInt8] {
        switch self {
        case .hash(let hash): Array(hash.text.utf8)
        case .plain(let text): [0] + text.utf8
        case .none: []
        }
    }

    /// Whether it is this password.
    ///
    /// - Parameters:
    ///   - password: What the client sent, prepared.
    ///   - substitute: Checked in place of a password that is no hash, so that the time tells nothing.
    /// - Returns: Whether it is.
    /// - Throws: `SystemError` when there is not enough memory to find out.
    package func matches(
        _ password: [UInt8], substitute: PasswordHash
    ) throws(SystemError) -> Bool {
        switch self {
        case .hash(let hash): return try hash.matches(password)
        case .none:
            _ = try substitute.matches(password)
            return false
        case .plain(let text):
            _ = try substitute.matches(password)
            guard let prepared = SASLprep.query(text) else { return false }
            // Equal hashes under a key that nobody knows tell an attacker nothing of where texts differ.
            let sipHash = SipHash(key: randomBytes(16))
            return sipHash.hash(password) == sipHash.hash(Array(prepared.utf8))
        }
    }
}
