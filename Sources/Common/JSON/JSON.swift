// SPDX-License-Identifier: Apache-2.0

/// A JSON value that knows where it was read.
///
/// Two values are equal when they mean the same; where they stood does not count.
package struct JSON: Sendable {
    /// What the value is.
    package var content: Content
    /// Where it stood in the text; ``JSONPlace/nowhere`` for a value made in code.
    package var place: JSONPlace

    /// The kinds of values; whole numbers are kept exactly and apart from fractions.
    package enum Content: Equatable, Sendable {
        case null
        case boolean(Bool)
        case integer(Int)
        case number(Double)
        case string(String)
        case array([JSON])
        case object([Member])
    }

    /// One key of an object with its value, in the order of the text.
    package struct Member: Equatable, Sendable {
        /// Without quotes and escapes.
        package var key: String
        /// Where the key stood.
        package var keyPlace: JSONPlace
        /// What stands under the key.
        package var value: JSON

        /// A member of an object.
        package init(_ key: String, _ value: JSON, keyPlace: JSONPlace = .nowhere) {
            self.key = key
            self.keyPlace = keyPlace
            self.value = value
        }

        /// Whether both mean the same.
        package static func == (left: Self, right: Self) -> Bool {
            left.key == right.key && left.value == right.value
        }
    }

    /// A value, made in code unless a place is given.
    package init(_ content: Content, place: JSONPlace = .nowhere) {
        self.content = content
        self.place = place
    }
}

extension JSON: Equatable {
    /// Whether both mean the same.
    package static func == (left: Self, right: Self) -> Bool {
        left.content == right.content
    }
}

/// Building values in code.
extension JSON {
    /// The word `null`.
    package static var null: Self { Self(.null) }

    /// `true` or `false`, without a place.
    package static func boolean(_ value: Bool) -> Self { Self(.boolean(value)) }

    /// A whole number, without a place.
    package static func integer(_ value: Int) -> Self { Self(.integer(value)) }

    /// A number, without a place.
    package static func number(_ value: Double) -> Self { Self(.number(value)) }

    /// A string, without a place.
    package static func string(_ value: String) -> Self { Self(.string(value)) }

    /// An array, without a place.
    package static func array(_ elements: [JSON]) -> Self { Self(.array(elements)) }

    /// An array of strings, without a place.
    package static func strings(_ elements: [String]) -> Self { .array(elements.map(JSON.string)) }

    /// An object with the given keys, in this order; the caller sees to it that no key comes twice.
    package static func object(_ members: [(String, JSON)]) -> Self {
        Self(.object(members.map { Member($0.0, $0.1) }))
    }
}

/// Looking at values.
extension JSON {
    /// Whether this is the word `null`.
    package var isNull: Bool { content == .null }

    /// The truth value.
    package var boolean: Bool? {
        if case .boolean(let value) = content { value } else { nil }
    }

    /// The whole number; also of a fraction notation that is whole and exact, such as `1e3`.
    package var integer: Int? {
        switch content {
        case .integer(let value): value
        case .number(let value) where abs(value) <= 9_007_199_254_740_992: Int(exactly: value)
        default: nil
        }
    }

    /// The number, whole or not.
    package var number: Double? {
        switch content {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The text.
    package var string: String? {
        if case .string(let value) = content { value } else { nil }
    }

    /// The elements of a list.
    package var elements: [JSON]? {
        if case .array(let elements) = content { elements } else { nil }
    }

    /// The members of an object.
    package var members: [Member]? {
        if case .object(let members) = content { members } else { nil }
    }

    /// The value under a key of an object; `nil` when there is no such key or this is no object.
    package subscript(key: String) -> JSON? {
        members?.first { $0.key == key }?.value
    }

    /// The value at an index of an array; `nil` when there is none or this is no array.
    package subscript(index: Int) -> JSON? {
        guard let elements, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// What kind of value this is, in an operator's words.
    package var kind: String {
        switch content {
        case .null: "null"
        case .boolean: "true or false"
        case .integer, .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    /// A text.
    package init(stringLiteral value: String) { self = .string(value) }

    /// A whole number.
    package init(integerLiteral value: Int) { self = .integer(value) }

    /// A truth value.
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension JSON: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    package typealias Key = String
    package typealias Value = JSON

    /// A list.
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }

    /// An object; no key may come twice.
    package init(dictionaryLiteral elements: (String, JSON)...) { self = .object(elements) }
}
