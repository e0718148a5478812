// SPDX-License-Identifier: Apache-2.0

extension JSON {
    /// The value as JSON (RFC 8259) on one line: for envelopes and slices.
    package var compact: String {
        String(decoding: compactBytes, as: UTF8.self)
    }

    /// The value as JSON on one line, without a line end.
    package var compactBytes: [UInt8] {
        var writer = JSONWriter(indent: nil)
        writer.write(self, depth: 0)
        return writer.bytes
    }

    /// The value as JSON for people: four spaces per level, short lists of plain values on one line.
    package var pretty: String {
        var writer = JSONWriter(indent: 4)
        writer.write(self, depth: 0)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

/// Writes strict JSON, which every reader understands.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    /// Spaces per level; `nil` for everything on one line.
    let indent: Int?

    init(indent: Int?) {
        self.indent = indent
    }

    mutating func write(_ json: JSON, depth: Int) {
        switch json.content {
        case .null: append("null")
        case .boolean(let value): append(value ? "true" : "false")
        case .integer(let value): append(String(value))
        // JSON has no word for what is no number.
        case .number(let value): append(value.isFinite ? String(value) : "null")
        case .string(let value): write(value)
        case .array(let elements): write(elements, depth: depth)
        case .object(let members): write(members, depth: depth)
        }
    }

    private mutating func write(_ elements: [JSON], depth: Int) {
        let isShort =
            elements.count <= 8
            && elements.allSatisfy { $0.elements == nil && $0.members == nil }
        append("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { append(isShort && indent != nil ? ", " : ",") }
            if !isShort { newLine(depth + 1) }
            write(element, depth: depth + 1)
        }
        if !isShort { newLine(depth) }
        append("]")
    }

    private mutating func write(_ members: [JSON.Member], depth: Int) {
        append("{")
        for (index, member) in members.enumerated() {
            if index > 0 { append(",") }
            newLine(depth + 1)
            write(member.key)
            append(indent == nil ? ":" : ": ")
            write(member.value, depth: depth + 1)
        }
        if !members.isEmpty { newLine(depth) }
        append("}")
    }

    /// A quoted text; control characters are escaped, so that a line stays a line.
    mutating func write(_ text: String) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { buffer in
            // What needs no escape, which is nearly everything, is copied in runs.
            var start = 0
            for index in buffer.indices where Self.needsEscape(buffer[index]) {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start..<index]))
                escape(buffer[index])
                start = index + 1
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start...]))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x0A: append("\\n")
        case 0x0D: append("\\r")
        case 0x09: append("\\t")
        default:
            append(byte < 0x10 ? "\\u000" : "\\u00")
            append(String(byte, radix: 16))
        }
    }

    private mutating func newLine(_ depth: Int) {
        guard let indent else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: depth * indent))
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }
}
