// SPDX-License-Identifier: Apache-2.0

/// Reads the facts off a header, field by field (RFC 5322 §2.2).
///
/// A line that is no field does not end the header: only the empty line does. What some reader could take
/// for a From field is counted as one.
package enum HeaderScanner {
    /// The facts of a header.
    ///
    /// - Parameter header: Whole lines ending with CRLF, up to the empty line or the message's end.
    /// - Returns: The facts.
    package static func facts(of header: ArraySlice<UInt8>) -> HeaderFacts {
        var facts = HeaderFacts()
        facts.length = header.count
        header.withUnsafeBytes { bytes in
            var position = 0
            var field: Field?
            while position < bytes.count {
                let end = lineEnd(in: bytes, from: position)
                note(bytes, position..<end, in: &facts)
                let next = min(end + 2, bytes.count)
                if position == end { break }
                if bytes[position] == .space || bytes[position] == .tab {
                    if field == nil { facts.hasMalformedLine = true }
                    field?.end = next
                } else {
                    finish(field, bytes, &facts)
                    field = Field(bytes, line: position..<end, next: next)
                    if field == nil { facts.hasMalformedLine = true }
                }
                position = next
            }
            finish(field, bytes, &facts)
        }
        return facts
    }

    private struct Field {
        let name: Name
        let start: Int
        var end: Int

        /// The field that begins on a line; nil if none does.
        init?(_ bytes: UnsafeRawBufferPointer, line: Range<Int>, next: Int) {
            var colon = line.lowerBound
            while colon < line.upperBound, bytes[colon] > 0x20, bytes[colon] < 0x7F,
                bytes[colon] != UInt8(ascii: ":")
            {
                colon += 1
            }
            let nameEnd = colon
            // White space before the colon is obsolete syntax (RFC 5322 §4.5), and still read.
            while colon < line.upperBound, bytes[colon] == .space || bytes[colon] == .tab {
                colon += 1
            }
            guard nameEnd > line.lowerBound, colon < line.upperBound,
                bytes[colon] == UInt8(ascii: ":")
            else { return nil }
            name = Name(UnsafeRawBufferPointer(rebasing: bytes[line.lowerBound..<nameEnd]))
            start = colon + 1
            end = next
        }
    }

    /// The fields that matter here.
    private enum Name {
        case date, from, messageID, received, other

        init(_ bytes: UnsafeRawBufferPointer) {
            switch bytes.count {
            case 4 where Self.equal(bytes, "date"): self = .date
            case 4 where Self.equal(bytes, "from"): self = .from
            case 8 where Self.equal(bytes, "received"): self = .received
            case 10 where Self.equal(bytes, "message-id"): self = .messageID
            default: self = .other
            }
        }

        private static func equal(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
            name.withUTF8Buffer { wanted in
                for index in bytes.indices where bytes[index].asciiLowercase != wanted[index] {
                    return false
                }
                return true
            }
        }
    }

    private static func finish(
        _ field: Field?, _ bytes: UnsafeRawBufferPointer, _ facts: inout HeaderFacts
    ) {
        guard let field else { return }
        facts.fieldCount += 1
        switch field.name {
        case .date: facts.hasDate = true
        case .messageID: facts.hasMessageID = true
        case .received: facts.receivedCount += 1
        case .from:
            facts.fromCount += 1
            do throws(AddressError) {
                facts.from += try AddressList.addresses(in: Array(bytes[field.start..<field.end]))
            } catch {
                facts.isFromMalformed = true
            }
        case .other: break
        }
    }

    private static func lineEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var end = start
        while end + 1 < bytes.count {
            if bytes[end] == .carriageReturn, bytes[end + 1] == .lineFeed { return end }
            end += 1
        }
        return bytes.count
    }

    private static func note(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>, in facts: inout HeaderFacts
    ) {
        facts.longestLine = max(facts.longestLine, line.count)
        var all: UInt8 = 0
        var hasNUL = false
        for index in line {
            all |= bytes[index]
            if bytes[index] == 0 { hasNUL = true }
        }
        if all >= 0x80 { facts.has8Bit = true }
        if hasNUL { facts.hasNUL = true }
    }
}

extension UInt8 {
    /// SP.
    package static let space = UInt8(ascii: " ")
    /// HTAB.
    package static let tab = UInt8(ascii: "\t")
}
