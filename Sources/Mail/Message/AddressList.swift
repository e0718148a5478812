// SPDX-License-Identifier: Apache-2.0

/// Finds the addresses in a From field and its like (RFC 5322 §3.4, with the obsolete forms of §4.4).
package enum AddressList {
    /// The address of each mailbox of the list, those of groups too.
    ///
    /// - Parameter value: What follows the field's colon, folded or not.
    /// - Returns: Nothing for an empty list.
    /// - Throws: `AddressError` if anything in it is not what the grammar allows.
    package static func addresses(in value: [UInt8]) throws(AddressError) -> [MailAddress] {
        var parser = Parser(cursor: ByteCursor(value))
        return try parser.list()
    }

    private enum Word {
        case atom(ArraySlice<UInt8>)
        case quoted([UInt8])
        case dot

        var bytes: [UInt8] {
            switch self {
            case .atom(let bytes): Array(bytes)
            case .quoted(let bytes): bytes
            case .dot: [UInt8(ascii: ".")]
            }
        }
    }

    private struct Parser {
        var cursor: ByteCursor

        mutating func list() throws(AddressError) -> [MailAddress] {
            var addresses: [MailAddress] = []
            var isInGroup = false
            while true {
                let words = try words()
                switch cursor.next() {
                case UInt8(ascii: "<"):
                    addresses.append(try angleAddress())
                    try separator(isInGroup: &isInGroup)
                case UInt8(ascii: "@"):
                    addresses.append(try address(localPart: words))
                    try separator(isInGroup: &isInGroup)
                case UInt8(ascii: ":"):
                    guard !isInGroup, !words.isEmpty else { throw .malformed }
                    isInGroup = true
                case UInt8(ascii: ";"):
                    guard isInGroup, words.isEmpty else { throw .malformed }
                    isInGroup = false
                    try skipSpace()
                    guard cursor.isAtEnd || cursor.skip(UInt8(ascii: ",")) else { throw .malformed }
                case UInt8(ascii: ","):
                    // Empty elements are obsolete syntax; a phrase without address is none.
                    guard words.isEmpty else { throw .malformed }
                case nil:
                    guard words.isEmpty, !isInGroup else { throw .malformed }
                    return addresses
                default: throw .malformed
                }
            }
        }

        /// What may follow an address: the list's next element, the group's end, or nothing.
        private mutating func separator(isInGroup: inout Bool) throws(AddressError) {
            try skipSpace()
            if cursor.isAtEnd || cursor.skip(UInt8(ascii: ",")) { return }
            // The group's end is read by the list.
            guard isInGroup, cursor.current == UInt8(ascii: ";") else { throw .malformed }
        }

        /// `phrase` or `local-part`, whichever it turns out to be.
        private mutating func words() throws(AddressError) -> [Word] {
            var words: [Word] = []
            while true {
                try skipSpace()
                guard let byte = cursor.current else { return words }
                if byte == UInt8(ascii: "\"") {
                    words.append(.quoted(try quotedString()))
                } else if byte == UInt8(ascii: ".") {
                    _ = cursor.next()
                    words.append(.dot)
                } else if LocalPart.isAtomText(byte) {
                    words.append(.atom(cursor.take(while: LocalPart.isAtomText)))
                } else {
                    return words
                }
            }
        }

        private mutating func angleAddress() throws(AddressError) -> MailAddress {
            try skipSpace()
            if cursor.current == UInt8(ascii: "@") || cursor.current == UInt8(ascii: ",") {
                try skipRoute()
            }
            let words = try words()
            guard cursor.skip(UInt8(ascii: "@")) else { throw .malformed }
            let address = try address(localPart: words)
            try skipSpace()
            guard cursor.skip(UInt8(ascii: ">")) else { throw .malformed }
            return address
        }

        /// Reads `obs-route = obs-domain-list ":"`.
        private mutating func skipRoute() throws(AddressError) {
            while true {
                try skipSpace()
                if cursor.skip(UInt8(ascii: ":")) { return }
                if cursor.skip(UInt8(ascii: ",")) { continue }
                guard cursor.skip(UInt8(ascii: "@")) else { throw .malformed }
                _ = try domain()
            }
        }

        /// An address whose `@` was just read.
        private mutating func address(localPart words: [Word]) throws(AddressError) -> MailAddress {
            // word *("." word): words and dots take turns.
            guard words.count % 2 == 1 else { throw .malformed }
            for (index, word) in words.enumerated() {
                if case .dot = word {
                    guard index % 2 == 1 else { throw .malformed }
                } else if index % 2 == 1 {
                    throw .malformed
                }
            }
            guard let text = String(validating: words.flatMap(\.bytes), as: UTF8.self)
            else { throw .malformed }
            guard let localPart = LocalPart(text) else { throw .localPartTooLong }
            return MailAddress(localPart, at: try domain())
        }

        /// `dot-atom` with space around its atoms, or `domain-literal`.
        private mutating func domain() throws(AddressError) -> Domain {
            try skipSpace()
            if cursor.current == UInt8(ascii: "[") { return try Domain(from: &cursor) }
            var name: [UInt8] = []
            repeat {
                try skipSpace()
                let atom = cursor.take(while: LocalPart.isAtomText)
                guard !atom.isEmpty else { throw .badDomain }
                if !name.isEmpty { name.append(UInt8(ascii: ".")) }
                name += atom
                try skipSpace()
            } while cursor.skip(UInt8(ascii: "."))
            guard let domain = Domain(bytes: name[...]) else { throw .badDomain }
            return domain
        }

        private mutating func quotedString() throws(AddressError) -> [UInt8] {
            var content: [UInt8] = []
            _ = cursor.next()
            while let byte = cursor.next() {
                switch byte {
                case UInt8(ascii: "\""): return content
                case UInt8(ascii: "\\"):
                    guard let escaped = cursor.next(), escaped != 0 else { throw .malformed }
                    content.append(escaped)
                // Folding within quotes: the line end is no part of the text.
                case .carriageReturn, .lineFeed: continue
                case 0: throw .malformed
                default: content.append(byte)
                }
            }
            throw .malformed
        }

        /// Steps over white space, line ends and comments, which nest (RFC 5322 §3.2.2).
        private mutating func skipSpace() throws(AddressError) {
            var depth = 0
            while let byte = cursor.current {
                switch byte {
                case UInt8(ascii: "("): depth += 1
                case UInt8(ascii: ")") where depth > 0: depth -= 1
                case UInt8(ascii: "\\") where depth > 0: _ = cursor.next()
                case .space, .tab, .carriageReturn, .lineFeed: break
                case 0: throw .malformed
                default: if depth == 0 { return }
                }
                _ = cursor.next()
            }
            guard depth == 0 else { throw .malformed }
        }
    }
}
