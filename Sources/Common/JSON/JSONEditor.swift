// SPDX-License-Identifier: Apache-2.0

/// One step down into a value.
package enum JSONStep: Equatable, Hashable, Sendable, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral
{
    case key(String)
    case index(Int)

    /// A key.
    package init(stringLiteral value: String) { self = .key(value) }

    /// An index.
    package init(integerLiteral value: Int) { self = .index(value) }
}

/// Changes single values in a text that a person has written: everything else stays octet by octet, with its comments,
/// order and spaces.
package struct JSONEditor: Sendable {
    /// The text as it is now.
    package private(set) var bytes: [UInt8]
    /// The value that the text means.
    package private(set) var json: JSON

    /// Takes over a text.
    ///
    /// - Throws: When it is no JSON.
    package init(_ bytes: [UInt8]) throws(JSONError) {
        json = try JSON(parsing: bytes)
        self.bytes = bytes
    }

    /// Gives a value that is there another content.
    ///
    /// - Returns: Whether it is there.
    @discardableResult
    package mutating func replace(_ path: [JSONStep], with value: JSON) throws(JSONError) -> Bool {
        guard let old = find(path) else { return false }
        let text = written(value, depth: indentation(ofLineAt: old.place.range.lowerBound))
        try splice(old.place.range, with: text)
        return true
    }

    /// Adds a key at the end of an object that is there; the caller has seen that the object lacks it.
    ///
    /// - Returns: Whether the object is there.
    @discardableResult
    package mutating func insert(
        _ key: String, _ value: JSON, into path: [JSONStep] = []
    ) throws(JSONError) -> Bool {
        guard let object = find(path), let members = object.members else { return false }
        let name = JSON.string(key).compactBytes + Array(": ".utf8)
        try add(
            to: object, first: members.first?.keyPlace.range, last: members.last?.value.place.range
        ) { editor, depth in name + editor.written(value, depth: depth) }
        return true
    }

    /// Adds an element at the end of a list that is there.
    ///
    /// - Returns: Whether the list is there.
    @discardableResult
    package mutating func append(_ value: JSON, to path: [JSONStep]) throws(JSONError) -> Bool {
        guard let list = find(path), let elements = list.elements else { return false }
        try add(to: list, first: elements.first?.place.range, last: elements.last?.place.range) {
            editor, depth in editor.written(value, depth: depth)
        }
        return true
    }

    /// Takes a key with its value out of its object, or an element out of its list.
    ///
    /// The comment behind it on its line goes with it; those on other lines stay.
    ///
    /// - Returns: Whether it was there.
    @discardableResult
    package mutating func remove(_ path: [JSONStep]) throws(JSONError) -> Bool {
        guard let last = path.last, let parent = find(path.dropLast()) else { return false }
        let ranges: [Range<Int>]
        let position: Int?
        switch last {
        case .key(let key):
            let members = parent.members ?? []
            ranges = members.map {
                $0.keyPlace.range.lowerBound..<$0.value.place.range.upperBound
            }
            position = members.firstIndex { $0.key == key }
        case .index(let index):
            ranges = (parent.elements ?? []).map(\.place.range)
            position = ranges.indices.contains(index) ? index : nil
        }
        guard let position else { return false }
        try cut(position, of: ranges)
        return true
    }

    // MARK: Places

    private func find(_ path: some Sequence<JSONStep>) -> JSON? {
        var value = json
        for step in path {
            let next =
                switch step {
                case .key(let key): value[key]
                case .index(let index): value[index]
                }
            guard let next else { return nil }
            value = next
        }
        return value
    }

    /// What stands between a value and the next one, or the closing bracket.
    private struct Gap {
        /// Behind the comma; nil when there is none.
        var comma: Int?
        /// Behind the last comment of the value's own line.
        var lineEnd: Int
        /// Whether that comment runs to the end of the line.
        var endsInLineComment = false
    }

    private func gap(after end: Int) -> Gap {
        var gap = Gap(lineEnd: end)
        var index = end
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: ","), gap.comma == nil {
                index += 1
                gap.comma = index
                gap.lineEnd = index
            } else if bytes[index...].starts(with: "//".utf8) {
                index = bytes[index...].firstIndex(where: Self.isLineEnd) ?? bytes.count
                gap.lineEnd = index
                gap.endsInLineComment = true
            } else if bytes[index...].starts(with: "/*".utf8) {
                let close = closing(index)
                if bytes[index..<close].contains(where: Self.isLineEnd) { break }
                index = close
                gap.lineEnd = index
            } else if bytes[index] == 0x20 || bytes[index] == 0x09 {
                index += 1
            } else {
                break
            }
        }
        // A comma on a later line still separates.
        while gap.comma == nil, index < bytes.count {
            if bytes[index...].starts(with: "//".utf8) {
                index = bytes[index...].firstIndex(where: Self.isLineEnd) ?? bytes.count
            } else if bytes[index...].starts(with: "/*".utf8) {
                index = closing(index)
            } else if bytes[index] == UInt8(ascii: ",") {
                gap.comma = index + 1
                gap.lineEnd = index + 1
                gap.endsInLineComment = false
            } else if bytes[index] <= 0x20 {
                index += 1
            } else {
                break
            }
        }
        return gap
    }

    /// Behind the block comment that begins here.
    private func closing(_ start: Int) -> Int {
        var index = start + 2
        while index + 1 < bytes.count,
            bytes[index] != UInt8(ascii: "*") || bytes[index + 1] != UInt8(ascii: "/")
        {
            index += 1
        }
        return index + 2
    }

    private func lineStart(_ offset: Int) -> Int {
        (bytes[..<offset].lastIndex(where: Self.isLineEnd) ?? -1) + 1
    }

    /// The spaces that the line begins with.
    private func indentation(ofLineAt offset: Int) -> [UInt8] {
        Array(bytes[lineStart(offset)...].prefix { $0 == 0x20 || $0 == 0x09 })
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    /// The line end that the text uses.
    private var lineEnd: [UInt8] {
        bytes.contains(0x0D) ? [0x0D, 0x0A] : [0x0A]
    }

    // MARK: Changes

    /// A value as text; one that takes several lines is indented like its place.
    private func written(_ value: JSON, depth: [UInt8]) -> [UInt8] {
        let isNested = value.members?.isEmpty == false || value.elements?.isEmpty == false
        var text = Array((isNested ? value.pretty : value.compact).utf8)
        if isNested {
            text = Array(text.split(separator: 0x0A).joined(separator: lineEnd + depth))
        }
        return text
    }

    private mutating func add(
        to container: JSON, first: Range<Int>?, last: Range<Int>?,
        _ text: (Self, [UInt8]) -> [UInt8]
    ) throws(JSONError) {
        let outer = indentation(ofLineAt: container.place.range.lowerBound)
        guard let first, let last else {
            let open = container.place.range.lowerBound + 1
            let depth = outer + Array("    ".utf8)
            let close = container.place.range.upperBound - 1
            let hasOwnLine = bytes[open..<close].contains(where: Self.isLineEnd)
            try splice(
                open..<open,
                with: lineEnd + depth + text(self, depth) + (hasOwnLine ? [] : lineEnd + outer))
            return
        }
        let gap = gap(after: last.upperBound)
        let isOnOwnLine =
            lineStart(first.lowerBound) != lineStart(container.place.range.lowerBound)
        let depth = isOnOwnLine ? indentation(ofLineAt: first.lowerBound) : outer
        let separator =
            isOnOwnLine || gap.endsInLineComment ? lineEnd + depth : [0x20]
        let comma: [UInt8] = [UInt8(ascii: ",")]
        let trailing = gap.comma == nil ? [] : comma
        // From behind to before, so that the first offset still holds.
        var changed = Array(bytes[last.upperBound..<gap.lineEnd])
        if gap.comma == nil { changed = comma + changed }
        try splice(
            last.upperBound..<gap.lineEnd,
            with: changed + separator + text(self, depth) + trailing)
    }

    private mutating func cut(_ position: Int, of ranges: [Range<Int>]) throws(JSONError) {
        let range = ranges[position]
        let gap = gap(after: range.upperBound)
        var start = range.lowerBound
        var end = gap.comma ?? range.upperBound
        let line = lineStart(start)
        let startsLine = bytes[line..<start].allSatisfy { $0 == 0x20 || $0 == 0x09 }
        let endsLine = gap.lineEnd >= bytes.count || Self.isLineEnd(bytes[gap.lineEnd])
        if startsLine, endsLine, gap.lineEnd >= end {
            start = line
            end = gap.lineEnd
            if end < bytes.count, bytes[end] == 0x0D { end += 1 }
            if end < bytes.count, bytes[end] == 0x0A { end += 1 }
        } else if gap.comma != nil {
            while end < bytes.count, bytes[end] == 0x20 { end += 1 }
        } else {
            while start > 0, bytes[start - 1] == 0x20 { start -= 1 }
        }
        var rest = bytes
        rest.removeSubrange(start..<end)
        // The last one gone, the comma before it stays as a trailing one only if it had one itself.
        if gap.comma == nil, position > 0 {
            let before = self.gap(after: ranges[position - 1].upperBound)
            if let comma = before.comma { rest.remove(at: comma - 1) }
        }
        json = try JSON(parsing: rest)
        bytes = rest
    }

    private mutating func splice(_ range: Range<Int>, with text: [UInt8]) throws(JSONError) {
        var changed = bytes
        changed.replaceSubrange(range, with: text)
        json = try JSON(parsing: changed)
        bytes = changed
    }
}
