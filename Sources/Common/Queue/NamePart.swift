// SPDX-License-Identifier: Apache-2.0

/// A group's or a user's name as a part of an entry's file name.
///
/// Letters, digits and `_-+@=` stand for themselves, every other octet is `%` and two upper-case digits. So the
/// signs between parts (`.` and `,`) never occur inside one: a name has one reading, and a reading one name.
package enum NamePart {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Writes a name so that no part of a file name can be misread.
    package static func escape(_ name: String) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(name.utf8.count)
        for octet in name.utf8 {
            if isPlain(octet) {
                text.append(octet)
            } else {
                text.append(UInt8(ascii: "%"))
                text.append(digits[Int(octet >> 4)])
                text.append(digits[Int(octet & 15)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads what ``escape(_:)`` wrote; nil for anything that it would not have written.
    ///
    /// Also nil for what could not be a folder's name (empty, `.`, `..`, with `/` or NUL) or is not UTF-8.
    package static func unescape(_ text: String) -> String? {
        unescape(octets: text[...].utf8)
    }

    /// Reads what ``escape(_:)`` wrote, from its octets.
    static func unescape(octets text: Substring.UTF8View) -> String? {
        // Nearly all names: nothing to undo, and neither "." nor "/" nor NUL is plain.
        if !text.isEmpty, text.allSatisfy(isPlain) { return String(Substring(text)) }
        var octets: [UInt8] = []
        var rest = text.makeIterator()
        while let octet = rest.next() {
            if isPlain(octet) {
                octets.append(octet)
                continue
            }
            guard octet == UInt8(ascii: "%"), let high = rest.next().flatMap(digit),
                let low = rest.next().flatMap(digit)
            else { return nil }
            let value = high << 4 | low
            guard !isPlain(value) else { return nil }
            octets.append(value)
        }
        guard let name = String(validating: octets, as: UTF8.self), isFolderName(name) else {
            return nil
        }
        return name
    }

    /// Whether a folder can have this name, and is then inside its parent.
    package static func isFolderName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".."
            && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
    }

    private static func isPlain(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "+"), UInt8(ascii: "@"), UInt8(ascii: "="):
            true
        default: false
        }
    }

    private static func digit(_ octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): octet - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): octet - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
