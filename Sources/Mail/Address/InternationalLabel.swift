// SPDX-License-Identifier: Apache-2.0
@_spi(_Unicode) import Swift

/// Labels of internationalised domain names: U-labels to A-labels (RFC 5890, RFC 5891, RFC 3492).
package enum InternationalLabel {
    /// The A-label of a U-label, an ASCII label itself in lower case; nil for what cannot be a label.
    ///
    /// Mapped like browsers do before the look-up (RFC 5895): lower case, then NFC.
    package static func aLabel(_ label: String) -> String? {
        let lower = label.lowercased()
        if lower.utf8.allSatisfy({ $0 < 0x80 }) { return lower }
        let scalars = Array(lower._nfc)
        guard scalars.allSatisfy(isAllowed), let first = scalars.first,
            !isMark(first), first != "-", scalars.last != "-",
            let encoded = encode(scalars.map(\.value))
        else { return nil }
        return "xn--" + encoded
    }

    /// A coarse form of RFC 5892: letters, marks, digits and symbols; no space, control or look-alike dot.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .uppercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .nonspacingMark, .spacingMark, .decimalNumber, .otherSymbol:
            true
        default:
            // Hyphen, middle dot, joiners, Hebrew marks, Katakana middle dot (RFC 5892 appendix A).
            [0x2D, 0xB7, 0x375, 0x5F3, 0x5F4, 0x200C, 0x200D, 0x30FB].contains(scalar.value)
        }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark: true
        default: false
        }
    }

    // MARK: Punycode

    /// The Punycode of some code points (RFC 3492 §6.3); nil when it is too long for a label.
    private static func encode(_ codePoints: [UInt32]) -> String? {
        // A label of 63 octets cannot hold more; and so no number below can overflow.
        guard codePoints.count <= 63 else { return nil }
        var output = codePoints.filter { $0 < 0x80 }.map { UInt8($0) }
        let basicCount = output.count
        if basicCount > 0 { output.append(UInt8(ascii: "-")) }
        var (next, delta, bias, handled) = (128, 0, 72, basicCount)
        while handled < codePoints.count {
            guard let smallest = codePoints.filter({ $0 >= next }).min() else { return nil }
            delta += (Int(smallest) - next) * (handled + 1)
            next = Int(smallest)
            for codePoint in codePoints.map({ Int($0) }) {
                if codePoint < next { delta += 1 }
                guard codePoint == next else { continue }
                appendNumber(delta, bias: bias, to: &output)
                bias = adapted(delta, count: handled + 1, isFirst: handled == basicCount)
                delta = 0
                handled += 1
            }
            delta += 1
            next += 1
        }
        return output.count <= 59 ? String(decoding: output, as: UTF8.self) : nil
    }

    private static func appendNumber(_ number: Int, bias: Int, to output: inout [UInt8]) {
        var rest = number
        var base = 36
        while true {
            let threshold = min(max(base - bias, 1), 26)
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (36 - threshold)))
            rest = (rest - threshold) / (36 - threshold)
            base += 36
        }
        output.append(digit(rest))
    }

    private static func digit(_ value: Int) -> UInt8 {
        UInt8(value < 26 ? value + 97 : value - 26 + 48)
    }

    private static func adapted(_ delta: Int, count: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / count
        var bias = 0
        while delta > 455 {
            delta /= 35
            bias += 36
        }
        return bias + 36 * delta / (delta + 38)
    }
}
