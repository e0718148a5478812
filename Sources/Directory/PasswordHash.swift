// SPDX-License-Identifier: Apache-2.0
import CCrypt
package import Common
import Glibc

/// A password as crypt(3) stores it: method, cost, salt and hash in one text.
package struct PasswordHash: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// A text that crypt(3) can check a password against; nil for anything else, such as a plain password.
    ///
    /// yescrypt, sha512crypt, sha256crypt and bcrypt, whole: the older methods of crypt(3) are found by
    /// trying, and some look like a plain password.
    package init?(_ text: String) {
        var fields = text.split(separator: "$", omittingEmptySubsequences: false)[...]
        guard fields.popFirst() == "", let method = fields.popFirst(), let hash = fields.popLast(),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") })
        else { return nil }
        let settings = fields.map(\.utf8.count)
        let isWhole =
            switch method {
            case "y": settings.count == 2 && settings[0] > 0 && hash.utf8.count == 43
            case "6": (1...2).contains(settings.count) && hash.utf8.count == 86
            case "5": (1...2).contains(settings.count) && hash.utf8.count == 43
            case "2a", "2b", "2y":
                fields.first.flatMap { Int($0) }.map((4...31).contains) ?? false
                    && settings == [2] && hash.utf8.count == 53
            default: false
            }
        let check = crypt_checksalt(text)
        guard isWhole, check == CRYPT_SALT_OK || check == CRYPT_SALT_METHOD_LEGACY else {
            return nil
        }
        self.text = text
    }

    /// Makes the hash of a new password with yescrypt at the library's cost and a random salt.
    ///
    /// - Throws: `SystemError` of crypt(3), also for a password that it could not check.
    package init(of password: [UInt8]) throws(SystemError) {
        guard Self.isPossible(password) else { throw SystemError("crypt", code: EINVAL) }
        guard let hash = try Self.crypt(password, Self.newSetting()) else {
            throw SystemError("crypt", code: EINVAL)
        }
        text = hash
    }

    private init(setting: String) {
        text = setting
    }

    /// Something to check passwords against that none fits, at the cost of a new hash.
    ///
    /// - Throws: `SystemError` of crypt(3).
    package static func unmatchable() throws(SystemError) -> Self {
        Self(setting: try newSetting())
    }

    /// Whether it is this password; takes the same time whichever it is.
    ///
    /// - Throws: `SystemError` when there is not enough memory to find out.
    package func matches(_ password: [UInt8]) throws(SystemError) -> Bool {
        // What crypt cannot be asked is worked on as long as what it can.
        let possible = Self.isPossible(password)
        guard let hash = try Self.crypt(possible ? password : [], text) else { return false }
        return Self.isEqual(hash, text) && possible
    }

    /// Never the hash: whoever can read a log should not get to try passwords against it.
    package var description: String { "(password)" }

    /// C's strings end at the first NUL, and crypt takes so many octets only.
    private static func isPossible(_ password: [UInt8]) -> Bool {
        !password.isEmpty && password.count < Int(CRYPT_MAX_PASSPHRASE_SIZE)
            && !password.contains(0)
    }

    /// Looks at every octet, whichever differs first.
    private static func isEqual(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func newSetting() throws(SystemError) -> String {
        let random = randomBytes(32).map { CChar(bitPattern: $0) }
        var output = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
        let setting = crypt_gensalt_rn(
            "$y$", 0, random, Int32(random.count), &output, Int32(output.count))
        guard setting != nil else { throw SystemError("crypt_gensalt") }
        return String(
            decoding: output.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The hash of a password by the method, cost and salt of `setting`.
    ///
    /// - Returns: nil when the setting is not one.
    private static func crypt(
        _ password: [UInt8], _ setting: String
    ) throws(SystemError) -> String? {
        // 32 KiB, too much for a thread's stack; it holds the password, so it is wiped.
        let size = MemoryLayout<crypt_data>.size
        let state = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        state.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        var phrase = password.map { CChar(bitPattern: $0) } + [0]
        defer {
            explicit_bzero(state, size)
            explicit_bzero(&phrase, phrase.count)
            state.deallocate()
        }
        guard let hash = crypt_rn(phrase, setting, state, Int32(size)) else {
            let code = errno
            if code == EINVAL || code == ERANGE { return nil }
            throw SystemError("crypt", code: code)
        }
        return String(cString: hash)
    }
}
