// SPDX-License-Identifier: Apache-2.0
private import Mail

/// Until when certificates are good, read without libssl: the few lines of DER that lead to `notAfter`
/// (RFC 5280 §4.1).
package enum CertificateExpiry {
    /// The end of the first certificate of a PEM text, in seconds since 1970; nil when it cannot be read.
    package static func seconds(ofPEM text: String) -> Int? {
        let begin = "-----BEGIN CERTIFICATE-----"
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingSuffixSpaces() }
        guard let first = lines.firstIndex(where: { $0 == begin }) else { return nil }
        let body = lines[(first + 1)...].prefix { !$0.hasPrefix("-----") }.joined()
        return Base64.decode(Array(body.utf8)).flatMap(seconds(ofDER:))
    }

    /// The end of a certificate.
    static func seconds(ofDER bytes: [UInt8]) -> Int? {
        var outer = DER(bytes[...])
        guard var certificate = outer.enter(DER.sequence),
            var body = certificate.enter(DER.sequence)
        else { return nil }
        // version is there unless it is 1; then serial number, signature, issuer.
        if body.tag == 0xA0 { guard body.skip() else { return nil } }
        for _ in 0..<3 { guard body.skip() else { return nil } }
        guard var validity = body.enter(DER.sequence), validity.skip() else { return nil }
        guard let tag = validity.tag, let time = validity.enter(tag) else { return nil }
        return seconds(tag: tag, digits: Array(time.rest))
    }

    /// UTCTime until 2049, GeneralizedTime from then on (RFC 5280 §4.1.2.5).
    private static func seconds(tag: UInt8, digits: [UInt8]) -> Int? {
        var digits = digits
        if tag == DER.utcTime, digits.count == 13 {
            digits = Array((digits[0] < UInt8(ascii: "5") ? "20" : "19").utf8) + digits
        } else if tag != DER.generalizedTime {
            return nil
        }
        guard digits.count == 15, digits[14] == UInt8(ascii: "Z") else { return nil }
        var text: [UInt8] = []
        for (index, mark) in ["", "-", "-", "T", ":", ":"].enumerated() {
            text += mark.utf8
            let start = index == 0 ? 0 : 2 + index * 2
            text += digits[start..<(4 + index * 2)]
        }
        return Timestamp.seconds(text + "Z".utf8)
    }
}

/// Walks over DER values; lengths are checked, nothing is interpreted.
private struct DER {
    static let sequence: UInt8 = 0x30
    static let utcTime: UInt8 = 0x17
    static let generalizedTime: UInt8 = 0x18

    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    /// What comes next.
    var tag: UInt8? { rest.first }

    /// The contents of the next value, if it has this tag.
    mutating func enter(_ tag: UInt8) -> DER? {
        guard self.tag == tag else { return nil }
        return take().map(DER.init)
    }

    mutating func skip() -> Bool { take() != nil }

    private mutating func take() -> ArraySlice<UInt8>? {
        var bytes = rest.dropFirst()
        guard let first = bytes.popFirst() else { return nil }
        var length = Int(first)
        if first & 0x80 != 0 {
            let count = Int(first & 0x7F)
            guard count > 0, count <= 4, bytes.count >= count else { return nil }
            length = bytes.prefix(count).reduce(0) { $0 << 8 | Int($1) }
            bytes = bytes.dropFirst(count)
        }
        guard bytes.count >= length else { return nil }
        rest = bytes.dropFirst(length)
        return bytes.prefix(length)
    }
}

extension Substring {
    /// Without blanks at its end, which some tools leave.
    fileprivate func trimmingSuffixSpaces() -> Substring {
        var text = self
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
