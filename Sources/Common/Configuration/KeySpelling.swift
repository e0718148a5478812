// SPDX-License-Identifier: Apache-2.0

/// The spellings of configuration keys: what counts as the same key, and which key a mistyped one may mean.
package enum KeySpelling {
    /// A key as later versions of the Python program wrote it: `bindIP` → `bind_ip`, `POP3Services` → `pop3_services`.
    package static func snakeCase(_ key: String) -> String {
        let scalars = Array(key.unicodeScalars)
        var result = ""
        for (index, scalar) in scalars.enumerated() {
            let isUpper = isUpper(scalar)
            let startsWord =
                isUpper && index > 0
                && (!self.isUpper(scalars[index - 1])
                    || (index + 1 < scalars.count && isLower(scalars[index + 1])))
            if startsWord, scalars[index - 1] != "_" { result += "_" }
            result += isUpper ? scalar.properties.lowercaseMapping : String(scalar)
        }
        return result
    }

    private static func isUpper(_ scalar: Unicode.Scalar) -> Bool { ("A"..."Z").contains(scalar) }

    private static func isLower(_ scalar: Unicode.Scalar) -> Bool { ("a"..."z").contains(scalar) }

    /// The known word that a mistyped one is nearest to; nil when none is near.
    package static func nearest(to word: String, among known: some Sequence<String>) -> String? {
        let limit = max(2, word.count / 3)
        let scored = known.map {
            (word: $0, distance: distance(word.lowercased(), $0.lowercased()))
        }
        guard let best = scored.min(by: { $0.distance < $1.distance }), best.distance <= limit,
            best.distance < best.word.count
        else { return nil }
        return best.word
    }

    /// How many insertions, removals, replacements and swaps of neighbours turn one word into the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (
            Array(left.unicodeScalars.prefix(64)), Array(right.unicodeScalars.prefix(64))
        )
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var before: [Int] = []
        var previous = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let same = left[row - 1] == right[column - 1]
                var best = min(
                    previous[column] + 1, current[column - 1] + 1,
                    previous[column - 1] + (same ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2],
                    left[row - 2] == right[column - 1]
                {
                    best = min(best, before[column - 2] + 1)
                }
                current.append(best)
            }
            before = previous
            previous = current
        }
        return previous[right.count]
    }
}
