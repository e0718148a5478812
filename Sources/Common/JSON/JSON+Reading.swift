// SPDX-License-Identifier: Apache-2.0

/// A value that is missing or of another kind than its reader needs.
package struct JSONMismatch: Error, Equatable, Sendable, CustomStringConvertible {
    /// The keys that lead to it, such as `listeners.port`.
    package let path: String
    /// What should be there, such as "a number".
    package let expected: String

    /// A mismatch at a path of keys.
    package init(path: String, expected: String) {
        self.path = path
        self.expected = expected
    }

    /// For the log.
    package var description: String { "\(path): \(expected) expected" }
}

/// Reading what another part of this program wrote: slices, envelopes, events.
///
/// What people write is read by the configuration, which reports every mistake at once and in their words.
extension JSON {
    /// The value under a key that must be there.
    package func value(at key: String) throws(JSONMismatch) -> JSON {
        guard let value = self[key] else { throw JSONMismatch(path: key, expected: "a value") }
        return value
    }

    /// The text under a key.
    package func string(at key: String) throws(JSONMismatch) -> String {
        guard let value = self[key]?.string else {
            throw JSONMismatch(path: key, expected: "a text")
        }
        return value
    }

    /// The whole number under a key.
    package func integer(at key: String) throws(JSONMismatch) -> Int {
        guard let value = self[key]?.integer else {
            throw JSONMismatch(path: key, expected: "a whole number")
        }
        return value
    }

    /// The number under a key.
    package func number(at key: String) throws(JSONMismatch) -> Double {
        guard let value = self[key]?.number else {
            throw JSONMismatch(path: key, expected: "a number")
        }
        return value
    }

    /// The truth value under a key.
    package func boolean(at key: String) throws(JSONMismatch) -> Bool {
        guard let value = self[key]?.boolean else {
            throw JSONMismatch(path: key, expected: "true or false")
        }
        return value
    }

    /// The texts of the list under a key.
    package func strings(at key: String) throws(JSONMismatch) -> [String] {
        try list(at: key) { element throws(JSONMismatch) in
            guard let text = element.string else {
                throw JSONMismatch(path: key, expected: "a list of texts")
            }
            return text
        }
    }

    /// The whole numbers of the list under a key.
    package func integers(at key: String) throws(JSONMismatch) -> [Int] {
        try list(at: key) { element throws(JSONMismatch) in
            guard let number = element.integer else {
                throw JSONMismatch(path: key, expected: "a list of whole numbers")
            }
            return number
        }
    }

    /// The list under a key, each element read by `body`; a mismatch inside carries this key in its path.
    package func list<Element>(
        at key: String, _ body: (JSON) throws(JSONMismatch) -> Element
    ) throws(JSONMismatch) -> [Element] {
        guard let elements = self[key]?.elements else {
            throw JSONMismatch(path: key, expected: "a list")
        }
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        for element in elements {
            do throws(JSONMismatch) {
                result.append(try body(element))
            } catch {
                if error.path.hasPrefix(key) { throw error }
                throw JSONMismatch(path: "\(key).\(error.path)", expected: error.expected)
            }
        }
        return result
    }
}
