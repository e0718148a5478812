// SPDX-License-Identifier: Apache-2.0

/// Text other than ASCII in header fields (RFC 2047).
package enum EncodedWord {
    /// Octets of UTF-8 in one word, so that it stays within 75 characters (RFC 2047 §2).
    private static let octetsPerWord = 42

    /// Text for an unstructured field, such as Subject: as it is if it is printable ASCII, else in encoded words.
    ///
    /// Control characters become spaces: nothing in a value can begin a new line. Long texts are folded.
    package static func encode(_ text: String) -> String {
        let clean = String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
        if clean.utf8.allSatisfy({ $0 < 0x80 }), !clean.contains("=?"), clean.utf8.count <= 900 {
            return clean
        }
        var words: [String] = []
        var word: [UInt8] = []
        for scalar in clean.unicodeScalars {
            let octets = Array(String(scalar).utf8)
            if word.count + octets.count > octetsPerWord {
                words.append(encodedWord(word))
                word = []
            }
            word += octets
        }
        if !word.isEmpty { words.append(encodedWord(word)) }
        return words.joined(separator: "\r\n ")
    }

    private static func encodedWord(_ octets: [UInt8]) -> String {
        "=?UTF-8?B?\(String(decoding: Base64.encode(octets), as: UTF8.self))?="
    }

    /// An unstructured field's text for people to read; what cannot be decoded stays as it is.
    ///
    /// White space between two encoded words is dropped (RFC 2047 §6.2).
    package static func decode(_ text: String) -> String {
        var result = ""
        var gap = ""
        var isAfterWord = false
        var rest = text[...]
        while !rest.isEmpty {
            if rest.hasPrefix("=?"), let (decoded, after) = word(at: rest) {
                if !isAfterWord { result += gap }
                gap = ""
                result += decoded
                rest = after
                isAfterWord = true
            } else {
                let character = rest.removeFirst()
                if character == " " || character == "\t" {
                    gap.append(character)
                } else {
                    result += gap
                    gap = ""
                    result.append(character)
                    isAfterWord = false
                }
            }
        }
        return result + gap
    }

    /// One encoded word at the beginning, and what follows it.
    private static func word(at text: Substring) -> (String, Substring)? {
        let parts = text.dropFirst(2).split(
            separator: "?", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[3].hasPrefix("="), !parts[2].contains(where: \.isWhitespace)
        else { return nil }
        let octets: [UInt8]
        switch parts[1].lowercased() {
        case "b":
            guard let bytes = Base64.decode(Array(parts[2].utf8)) else { return nil }
            octets = bytes
        case "q":
            guard let bytes = unquoted(parts[2]) else { return nil }
            octets = bytes
        default: return nil
        }
        // RFC 2231 §5: a language may follow the character set.
        let set = parts[0].split(separator: "*").first.map { $0.lowercased() }
        switch set {
        case "utf-8", "us-ascii":
            guard let decoded = String(validating: octets, as: UTF8.self) else { return nil }
            return (decoded, parts[3].dropFirst())
        case "iso-8859-1":
            let scalars = octets.map { Unicode.Scalar($0) }
            return (String(String.UnicodeScalarView(scalars)), parts[3].dropFirst())
        default: return nil
        }
    }

    /// The Q encoding (RFC 2047 §4.2).
    private static func unquoted(_ text: Substring) -> [UInt8]? {
        var cursor = ByteCursor(Array(text.utf8))
        var octets: [UInt8] = []
        while let octet = cursor.next() {
            switch octet {
            case UInt8(ascii: "_"): octets.append(.space)
            case UInt8(ascii: "="):
                guard let high = cursor.next()?.hexadecimalValue,
                    let low = cursor.next()?.hexadecimalValue
                else { return nil }
                octets.append(high << 4 | low)
            default: octets.append(octet)
            }
        }
        return octets
    }
}
