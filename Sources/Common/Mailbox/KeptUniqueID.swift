// SPDX-License-Identifier: Apache-2.0

/// The POP3 unique id that an imported message had on its old server, as the field `U=` of its file name.
///
/// Octets that mean something in a name (`/ : ,` and the sign itself) are written as `%` and two upper-case
/// hexadecimal digits, all others as they are, so that `ls` shows what the client sees. One id has one text.
package enum KeptUniqueID {
    /// The most octets that an id may have (RFC 1939 §7, UIDL).
    package static let limit = 70

    /// The field's text; nil for what no unique id is: 1 to 70 octets from 0x21 to 0x7E.
    package static func encode(_ id: some Collection<UInt8>) -> String? {
        guard (1...limit).contains(id.count), id.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            return nil
        }
        var text: [UInt8] = []
        for octet in id {
            if isSpecial(octet) {
                text += [percent, digits[Int(octet >> 4)], digits[Int(octet & 15)]]
            } else {
                text.append(octet)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The id of a field's text; nil for what ``encode(_:)`` never writes.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var id: [UInt8] = []
        var rest = text[...]
        while let octet = rest.popFirst() {
            guard octet == percent else {
                guard 0x21...0x7E ~= octet, !isSpecial(octet) else { return nil }
                id.append(octet)
                continue
            }
            guard let high = rest.popFirst().flatMap(value),
                let low = rest.popFirst().flatMap(value)
            else { return nil }
            let decoded = high << 4 | low
            guard isSpecial(decoded) else { return nil }
            id.append(decoded)
        }
        return (1...limit).contains(id.count) ? id : nil
    }

    private static let percent = UInt8(ascii: "%")
    private static let digits = Array("0123456789ABCDEF".utf8)

    private static func isSpecial(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: ","), percent: true
        default: false
        }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
