// SPDX-License-Identifier: Apache-2.0

/// Where a key or value stands in a text.
package struct JSONPlace: Equatable, Hashable, Sendable {
    // Half the size of Int: an envelope of thousands of recipients has a place for each of its values.
    private let storedLine: Int32
    private let storedColumn: Int32
    private let start: Int32
    private let end: Int32

    /// Makes a place; numbers that are too large for it, which no text within the limits has, become the largest.
    package init(line: Int, column: Int, range: Range<Int>) {
        storedLine = Int32(clamping: line)
        storedColumn = Int32(clamping: column)
        start = Int32(clamping: range.lowerBound)
        end = Int32(clamping: range.upperBound)
    }

    /// From 1; 0 for a value that was made in code.
    package var line: Int { Int(storedLine) }

    /// From 1, counted in Unicode scalars as editors do.
    package var column: Int { Int(storedColumn) }

    /// The octets of the text that it takes up, quotes included.
    package var range: Range<Int> { Int(start)..<Int(end) }

    /// The place of what was never in a text.
    package static let nowhere = Self(line: 0, column: 0, range: 0..<0)
}

/// A text that is no JSON: where, and what is wrong.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let reason: Reason
    /// From 1.
    package let line: Int
    /// From 1, in Unicode scalars.
    package let column: Int

    /// What is wrong with the text.
    package enum Reason: Equatable, Sendable {
        case tooLarge(limit: Int)
        case tooDeep(limit: Int)
        case invalidUTF8
        case unexpectedEnd(expected: String)
        case unexpected(found: String, expected: String)
        case unclosedString
        case unclosedComment
        case badEscape
        case duplicateKey(String, firstLine: Int)
        case badNumber(String)
        case numberOutOfRange(String)
    }

    /// An error at a place.
    package init(_ reason: Reason, line: Int, column: Int) {
        self.reason = reason
        self.line = line
        self.column = column
    }

    /// What is wrong, without the place.
    package var message: String {
        switch reason {
        case .tooLarge(let limit): "longer than \(limit) octets"
        case .tooDeep(let limit): "nested more than \(limit) deep"
        case .invalidUTF8: "not UTF-8"
        case .unexpectedEnd(let expected): "the text ends where \(expected) is expected"
        case .unexpected(let found, let expected): "found \(found) where \(expected) is expected"
        case .unclosedString: "a quoted text must end on its line; is its closing quote missing?"
        case .unclosedComment: "the comment that begins here has no end"
        case .badEscape: "unknown escape after the backslash; write \\\\ for a backslash"
        case .duplicateKey(let key, let line): "key \"\(key)\" was already given on line \(line)"
        case .badNumber(let text): "\(text) is no number"
        case .numberOutOfRange(let text): "the number \(text) is out of range"
        }
    }

    /// For messages and the log.
    package var description: String { "line \(line), column \(column): \(message)" }
}
