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

    /// The name under which a queued message is delivered, or an imported one kept.
    ///
    /// - Parameters:
    ///   - id: The queue id; its time is that of the message's arrival, for that is the order of POP3.
    ///   - host: What can stand in a file name is kept of it, and 128 characters at most: flags need room, too.
    ///   - size: Octets, where each line is known to end with CRLF; nil for what an operator has edited.
    ///   - flags: Such as `S`; only names in `cur` have any.
    package init(id: QueueID, host: String, size: Int?, flags: String = "") {
        let field = size.map { ",S=\($0)" } ?? ""
        base = "\(id).\(Self.hostPart(host))\(field)"
        self.flags = flags
    }

    /// The name of an imported message that POP3 clients know by another server's unique id; nil for what cannot
    /// be a unique id, or is too long for a file name.
    ///
    /// - Parameters:
    ///   - id: Made for it, with the time of its arrival.
    ///   - host: As for delivery, cut shorter where the unique id needs the room.
    ///   - size: Octets, with CRLF at the end of each line.
    ///   - uniqueID: Of the old server.
    ///   - flags: Such as `S`; only names in `cur` have any.
    package init?(id: QueueID, host: String, size: Int, uniqueID: String, flags: String = "") {
        guard let kept = KeptUniqueID.encode(uniqueID.utf8) else { return nil }
        let fields = ",S=\(size),U=\(kept)"
        let room = Self.baseLimit - QueueID.textLength - 1 - fields.utf8.count
        guard room >= 1 else { return nil }
        base = "\(id).\(Self.hostPart(host).prefix(room))\(fields)"
        self.flags = flags
    }

    /// The unique id that an import has kept (`U=`); nil when the name has none.
    package var keptUniqueID: String? {
        for field in base.split(separator: ",").dropFirst() where field.hasPrefix("U=") {
            return KeptUniqueID.decode(field.dropFirst(2).utf8).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        return nil
    }

    /// The most octets that our names have before the flags: 255 are allowed, and programs add flags as they like.
    private static let baseLimit = 235

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
