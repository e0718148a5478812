// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// The mail name of a Debian host: the domain of its users' addresses (Debian policy §11.6).
enum MailName {
    private static let file = "/etc/mailname"

    /// The first line of /etc/mailname in lower case; nil when there is no such file or it names no domain.
    ///
    /// - Throws: `SystemError` when the file is there and cannot be read.
    static func ofHost() throws(SystemError) -> String? {
        do throws(SystemError) {
            return read(try File(path: file).readAll(limit: 4096))
        } catch  where error.code == ENOENT {
            return nil
        }
    }

    static func read(_ bytes: [UInt8]) -> String? {
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        let name = String(decoding: line, as: UTF8.self).lowercased()
        return HostName.isValid(name) ? name : nil
    }
}
