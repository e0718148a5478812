// SPDX-License-Identifier: Apache-2.0

/// A pattern of the Python program's lists (fnmatch): `*` any text, `?` one character, `[a-z]` one of a set, `[!a]` none of it.
package struct Wildcard: Hashable, Sendable, CustomStringConvertible {
    /// In lower case.
    package let pattern: String

    /// Any text is a pattern.
    package init(_ pattern: String) {
        self.pattern = pattern.lowercased()
    }

    /// The pattern.
    package var description: String { pattern }

    /// Whether the whole text matches; case does not count.
    package func matches(_ text: String) -> Bool {
        let pattern = Array(self.pattern.unicodeScalars)
        let text = Array(text.lowercased().unicodeScalars)
        // Where to try again with the latest star taking in one scalar more: linear memory, no recursion.
        var (at, position) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while position < text.count {
            if at < pattern.count, pattern[at] == "*" {
                star = (at, position)
                at += 1
            } else if let next = Self.match(text[position], pattern, at) {
                at = next
                position += 1
            } else if let last = star {
                at = last.pattern + 1
                position = last.text + 1
                star = (last.pattern, position)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == "*" }
    }

    /// The pattern's next place when one scalar matches at this one; a `[` without its `]` means itself.
    private static func match(
        _ scalar: Unicode.Scalar, _ pattern: [Unicode.Scalar], _ at: Int
    ) -> Int? {
        guard at < pattern.count else { return nil }
        if pattern[at] == "?" { return at + 1 }
        guard pattern[at] == "[" else { return pattern[at] == scalar ? at + 1 : nil }
        var index = at + 1
        let isNegated = index < pattern.count && pattern[index] == "!"
        if isNegated { index += 1 }
        let first = index
        // A `]` right at the beginning belongs to the set.
        guard let end = pattern[min(first + 1, pattern.count)...].firstIndex(of: "]") else {
            return scalar == "[" ? at + 1 : nil
        }
        var isInSet = false
        while index < end {
            if index + 2 < end, pattern[index + 1] == "-" {
                isInSet = isInSet || (pattern[index] <= scalar && scalar <= pattern[index + 2])
                index += 3
            } else {
                isInSet = isInSet || pattern[index] == scalar
                index += 1
            }
        }
        return isInSet != isNegated ? end + 1 : nil
    }
}
