// SPDX-License-Identifier: Apache-2.0

extension JSON {
    /// Reads a text: JSON, or JSON5 (comments, trailing commas, single quotes, unquoted keys, hexadecimal numbers).
    ///
    /// Of JSON5 only `Infinity` and `NaN` are refused: no setting and no envelope means them.
    ///
    /// - Parameters:
    ///   - bytes: The whole text.
    ///   - sizeLimit: In octets.
    ///   - depthLimit: How deep lists and objects may be nested.
    /// - Throws: ``JSONError`` with the place of the first mistake.
    package init(
        parsing bytes: [UInt8], sizeLimit: Int = 64 << 20, depthLimit: Int = 64
    ) throws(JSONError) {
        var parser = JSONParser(
            scanner: try JSONScanner(bytes, limit: sizeLimit), depthLimit: depthLimit)
        self = try parser.document()
    }

    /// Reads a text; see ``init(parsing:sizeLimit:depthLimit:)-([UInt8],_,_)``.
    package init(
        parsing text: String, sizeLimit: Int = 64 << 20, depthLimit: Int = 64
    ) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), sizeLimit: sizeLimit, depthLimit: depthLimit)
    }
}

/// A parser by recursive descent, with bounded depth.
struct JSONParser {
    var scanner: JSONScanner
    let depthLimit: Int
    private var depth = 0

    init(scanner: JSONScanner, depthLimit: Int) {
        self.scanner = scanner
        self.depthLimit = depthLimit
    }

    /// The one value of the text.
    mutating func document() throws(JSONError) -> JSON {
        try scanner.skipTrivia()
        let result = try value()
        try scanner.skipTrivia()
        if scanner.next != nil { throw unexpected("the end") }
        return result
    }

    private mutating func value() throws(JSONError) -> JSON {
        let (line, column, start) = (scanner.line, scanner.column, scanner.offset)
        let content: JSON.Content =
            switch scanner.next {
            case UInt8(ascii: "{"): .object(try members())
            case UInt8(ascii: "["): .array(try elements())
            case UInt8(ascii: "\""), UInt8(ascii: "'"): .string(try string())
            case .some(0x30...0x39), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
                try number()
            default: try word()
            }
        return JSON(
            content, place: JSONPlace(line: line, column: column, range: start..<scanner.offset))
    }

    private mutating func members() throws(JSONError) -> [JSON.Member] {
        try enter()
        var members: [JSON.Member] = []
        var places: [String: Int] = [:]
        while try !closes(with: UInt8(ascii: "}")) {
            let (line, column, start) = (scanner.line, scanner.column, scanner.offset)
            let key = try key()
            let place = JSONPlace(line: line, column: column, range: start..<scanner.offset)
            // A dictionary pays from about ten keys on; envelopes have fewer, and there are many of them.
            if members.count == 12 {
                for member in members { places[member.key] = member.keyPlace.line }
            }
            let firstLine =
                members.count < 12
                ? members.first { $0.key == key }?.keyPlace.line
                : places.updateValue(line, forKey: key)
            if let firstLine {
                throw JSONError(
                    .duplicateKey(key, firstLine: firstLine), line: line, column: column)
            }
            try scanner.skipTrivia()
            if scanner.next != UInt8(ascii: ":") { throw unexpected("':' after the key") }
            scanner.skipPlain(1)
            try scanner.skipTrivia()
            if members.isEmpty { members.reserveCapacity(8) }
            members.append(JSON.Member(key, try value(), keyPlace: place))
            try separate(before: UInt8(ascii: "}"), expected: "',' or '}'")
        }
        depth -= 1
        return members
    }

    private mutating func elements() throws(JSONError) -> [JSON] {
        try enter()
        var elements: [JSON] = []
        while try !closes(with: UInt8(ascii: "]")) {
            elements.append(try value())
            try separate(before: UInt8(ascii: "]"), expected: "',' or ']'")
        }
        depth -= 1
        return elements
    }

    /// Steps over the opening bracket.
    private mutating func enter() throws(JSONError) {
        if depth == depthLimit { throw scanner.failure(.tooDeep(limit: depthLimit)) }
        depth += 1
        scanner.skipPlain(1)
    }

    /// Steps over the closing bracket if it comes next.
    private mutating func closes(with bracket: UInt8) throws(JSONError) -> Bool {
        try scanner.skipTrivia()
        guard scanner.next == bracket else { return false }
        scanner.skipPlain(1)
        return true
    }

    /// Steps over the comma; before the closing bracket there need not be one.
    private mutating func separate(before bracket: UInt8, expected: String) throws(JSONError) {
        try scanner.skipTrivia()
        if scanner.next == UInt8(ascii: ",") {
            scanner.skipPlain(1)
        } else if scanner.next != bracket {
            throw unexpected(expected)
        }
    }

    private mutating func key() throws(JSONError) -> String {
        if scanner.next == UInt8(ascii: "\"") || scanner.next == UInt8(ascii: "'") {
            return try string()
        }
        let name = identifier()
        if name.isEmpty { throw unexpected("a key") }
        return name
    }

    /// An unquoted key (ECMAScript 5.1 IdentifierName); empty when there is none.
    private mutating func identifier() -> String {
        let start = scanner.offset
        while let byte = scanner.next {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "_"), UInt8(ascii: "$"):
                break
            case UInt8(ascii: "0")...UInt8(ascii: "9") where scanner.offset > start: break
            default: return scanner.text(start..<scanner.offset)
            }
            scanner.skipPlain(1)
        }
        return scanner.text(start..<scanner.offset)
    }

    private mutating func word() throws(JSONError) -> JSON.Content {
        let here = scanner
        switch identifier() {
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        case "null": return .null
        case "Infinity": throw here.failure(.badNumber("Infinity"))
        case "NaN": throw here.failure(.badNumber("NaN"))
        case "": throw unexpected("a value")
        case let word:
            throw here.failure(
                .unexpected(found: word, expected: "a value (texts need quotes)"))
        }
    }

    func unexpected(_ expected: String) -> JSONError {
        scanner.failure(
            scanner.next == nil
                ? .unexpectedEnd(expected: expected)
                : .unexpected(found: scanner.found, expected: expected))
    }
}
