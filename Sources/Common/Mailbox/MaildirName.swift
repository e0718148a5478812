// SPDX-License-Identifier: Apache-2.0
package import Mail

/// The name of a message in a Maildir: `<id>.<host>,S=<octets>`, and `:2,<flags>` once it is in `cur`.
///
/// Names of other programs' messages are read as well: what stands before `:` is then the unique part.
package struct MaildirName: Hashable, Sendable {
    /// What stands before the flags; it never changes while the message lives.
    package let base: String
    /// The flags behind `:2,`; empty in `new`.
    package let flags: String

    /// Reads any name of a Maildir.
    package init(_ name: String) {
        guard let colon = name.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            base = name
            flags = ""
            return
        }
        base = String(name[..<colon])
        let rest = name[colon...]
        flags = rest.hasPrefix(":2,") ? String(rest.dropFirst(3)) : ""
    }

    /// The name under which a queued message is delivered.
    ///
    /// - Parameters:
    ///   - id: The queue id.
    ///   - host: What can stand in a file name is kept of it, and 128 characters at most: flags need room, too.
    ///   - size: Octets.
    package init(id: QueueID, host: String, size: Int) {
        base = "\(id).\(Self.hostPart(host)),S=\(size)"
        flags = ""
    }

    /// The name of a message that came from another program, under the unique id that POP3 clients know it by.
    ///
    /// - Parameters:
    ///   - id: Its place in the order of arrival.
    ///   - host: As for a delivered message.
    ///   - size: Octets.
    ///   - uniqueID: 1 to 70 printable characters (RFC 1939 §7); nil to use the id.
    ///   - flags: Of the message once it is in `cur`.
    package init(id: QueueID, host: String, size: Int, uniqueID: String?, flags: String) {
        let field = uniqueID.map { ",U=\(NamePart.escape($0))" } ?? ""
        base = "\(id).\(Self.hostPart(host)),S=\(size)\(field)"
        self.flags = flags
    }

    /// The unique id that an import has kept (`U=`); nil when the name has none.
    package var keptUniqueID: String? {
        for field in base.split(separator: ",").dropFirst() where field.hasPrefix("U=") {
            return NamePart.unescape(String(field.dropFirst(2)))
        }
        return nil
    }

    /// The file name.
    package var text: String {
        flags.isEmpty ? base : "\(base):2,\(flags)"
    }

    /// The message's queue id, when this server delivered it.
    package var queueID: QueueID? {
        let octets = base.utf8.prefix(QueueID.textLength + 1)
        guard octets.last == UInt8(ascii: ".") else { return nil }
        return QueueID(octets: octets.dropLast())
    }

    /// The message's length in octets as the name tells it (`S=`).
    package var size: Int? {
        for field in base.split(separator: ",").dropFirst() where field.hasPrefix("S=") {
            let digits = field.dropFirst(2)
            // Int() would take a sign.
            guard digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
            return Int(digits)
        }
        return nil
    }

    /// A host name as a part of file names.
    static func hostPart(_ host: String) -> String {
        let octets = host.utf8.prefix(128).map { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
                octet
            default: UInt8(ascii: "_")
            }
        }
        return octets.isEmpty ? "localhost" : String(decoding: octets, as: UTF8.self)
    }
}
