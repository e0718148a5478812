// SPDX-License-Identifier: Apache-2.0

/// Texts (RFC 8259 §7, JSON5 §5).
extension JSONParser {
    /// A quoted text; the scanner stands at its opening quote.
    mutating func string() throws(JSONError) -> String {
        let (line, column) = (scanner.line, scanner.column)
        let quote = scanner.bytes[scanner.offset]
        scanner.skipPlain(1)
        var start = scanner.offset
        // Most texts hold no escape: they are one copy out of the buffer.
        var text: [UInt8]?
        while true {
            scanner.skipPlain(scanner.endOfPlainRun(quote: quote) - scanner.offset)
            switch scanner.next {
            case quote:
                let end = scanner.offset
                scanner.skipPlain(1)
                guard var text else { return scanner.text(start..<end) }
                text += scanner.bytes[start..<end]
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                if text == nil { text = [] }
                text?.append(contentsOf: scanner.bytes[start..<scanner.offset])
                try escape(into: &text)
                start = scanner.offset
            case nil, UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                throw JSONError(.unclosedString, line: line, column: column)
            default:
                scanner.skip()
            }
        }
    }

    /// One escape; the scanner stands at its backslash.
    private mutating func escape(into text: inout [UInt8]?) throws(JSONError) {
        let start = scanner.failure(.badEscape)
        scanner.skipPlain(1)
        guard let byte = scanner.next else { throw start }
        let plain: UInt8
        switch byte {
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "f"): plain = 0x0C
        case UInt8(ascii: "n"): plain = 0x0A
        case UInt8(ascii: "r"): plain = 0x0D
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "v"): plain = 0x0B
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            plain = byte
        case UInt8(ascii: "0"):
            plain = 0
        case UInt8(ascii: "x"), UInt8(ascii: "u"):
            scanner.skipPlain(1)
            let scalar = try byte == UInt8(ascii: "x") ? hexadecimal(2, start) : unit(start)
            guard let scalar = Unicode.Scalar(scalar) else { throw start }
            text?.append(contentsOf: Array(String(scalar).utf8))
            return
        case UInt8(ascii: "\r"), UInt8(ascii: "\n"):
            // A line that goes on in the next one.
            scanner.skip()
            if byte == UInt8(ascii: "\r"), scanner.next == UInt8(ascii: "\n") { scanner.skip() }
            return
        default: throw start
        }
        scanner.skipPlain(1)
        if byte == UInt8(ascii: "0"), let digit = scanner.next, (0x30...0x39).contains(digit) {
            throw start
        }
        text?.append(plain)
    }

    /// A `\u` escape behind its `u`, with the second half of a surrogate pair.
    private mutating func unit(_ start: JSONError) throws(JSONError) -> UInt32 {
        let first = try hexadecimal(4, start)
        guard (0xD800...0xDBFF).contains(first) else { return first }
        guard scanner.isAt("\\u") else { throw start }
        scanner.skipPlain(2)
        let second = try hexadecimal(4, start)
        guard (0xDC00...0xDFFF).contains(second) else { throw start }
        return 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
    }

    private mutating func hexadecimal(_ count: Int, _ start: JSONError) throws(JSONError) -> UInt32
    {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let byte = scanner.next, let digit = Self.hexadecimalValue(byte) else {
                throw start
            }
            value = value << 4 | digit
            scanner.skipPlain(1)
        }
        return value
    }

    private static func hexadecimalValue(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte - 0x30)
        case 0x41...0x46: UInt32(byte - 0x41 + 10)
        case 0x61...0x66: UInt32(byte - 0x61 + 10)
        default: nil
        }
    }
}

/// Numbers (RFC 8259 §6, JSON5 §6).
extension JSONParser {
    /// A number; whole ones exactly, and refused when they do not fit into 64 bits.
    mutating func number() throws(JSONError) -> JSON.Content {
        if let value = shortInteger() { return .integer(value) }
        let here = scanner
        let start = scanner.offset
        while let byte = scanner.next, Self.mayBelongToNumber(byte) { scanner.skipPlain(1) }
        let text = scanner.text(start..<scanner.offset)
        let shown = text.count > 40 ? "\(text.prefix(40))…" : text
        var digits = text[...]
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits.removeFirst() }

        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            let hexadecimal = digits.dropFirst(2)
            guard let first = hexadecimal.first, first.isHexDigit else {
                throw here.failure(.badNumber(shown))
            }
            return try whole((isNegative ? "-" : "") + hexadecimal, radix: 16, shown, here)
        }
        if !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // A leading zero means octal to some readers and decimal to others.
            if digits.count > 1, digits.first == "0" { throw here.failure(.badNumber(shown)) }
            return try whole((isNegative ? "-" : "") + digits, radix: 10, shown, here)
        }
        return try fraction(digits, isNegative: isNegative, shown, here)
    }

    /// A plain whole number of at most 18 digits, which is nearly every number there is; nil for any other.
    private mutating func shortInteger() -> Int? {
        let end = min(scanner.offset + 18, scanner.bytes.count)
        var index = scanner.offset
        var value = 0
        while index < end, (0x30...0x39).contains(scanner.bytes[index]) {
            value = value * 10 + Int(scanner.bytes[index] - 0x30)
            index += 1
        }
        let count = index - scanner.offset
        guard (1...18).contains(count), count == 1 || scanner.bytes[scanner.offset] != 0x30 else {
            return nil
        }
        if index < scanner.bytes.count, Self.mayBelongToNumber(scanner.bytes[index]) { return nil }
        scanner.skipPlain(count)
        return value
    }

    private func whole(
        _ digits: String, radix: Int, _ shown: String, _ here: JSONScanner
    ) throws(JSONError) -> JSON.Content {
        if let value = Int(digits, radix: radix) { return .integer(value) }
        let isNumber = digits.drop { $0 == "-" }.allSatisfy { $0.isHexDigit }
        throw here.failure(isNumber ? .numberOutOfRange(shown) : .badNumber(shown))
    }

    /// Digits with a point or an exponent; a point may begin or end them (JSON5), but not stand alone.
    private func fraction(
        _ digits: Substring, isNegative: Bool, _ shown: String, _ here: JSONScanner
    ) throws(JSONError) -> JSON.Content {
        let parts = digits.split(maxSplits: 1, omittingEmptySubsequences: false) {
            $0 == "e" || $0 == "E"
        }
        let mantissa = parts.first ?? ""
        let pieces = mantissa.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        var exponent = parts.count > 1 ? parts[1] : "0"
        if exponent.first == "-" || exponent.first == "+" { exponent.removeFirst() }
        let groups = pieces + [exponent]
        let isWellFormed =
            !pieces.allSatisfy(\.isEmpty) && !exponent.isEmpty
            && !(mantissa.utf8.count > 1 && mantissa.first == "0" && !mantissa.hasPrefix("0."))
            && groups.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard isWellFormed else { throw here.failure(.badNumber(shown)) }
        let whole = pieces.first.map { $0.isEmpty ? "0" : String($0) } ?? "0"
        let rest = pieces.count > 1 && !pieces[1].isEmpty ? ".\(pieces[1])" : ""
        let power = parts.count > 1 ? "e\(parts[1])" : ""
        guard let value = Double((isNegative ? "-" : "") + whole + rest + power), value.isFinite
        else { throw here.failure(.numberOutOfRange(shown)) }
        return .number(value)
    }

    /// Greedy, so that `12abc` and `-Infinity` are reported whole.
    private static func mayBelongToNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "+"), UInt8(ascii: "-"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }
}
