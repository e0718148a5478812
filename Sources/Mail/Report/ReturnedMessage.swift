// SPDX-License-Identifier: Apache-2.0

/// What a report needs to know of the message that it is about; read from it in one pass.
package struct ReturnedMessage: Equatable, Sendable {
    /// Octets of the header that are kept and returned.
    package static let headerLimit = 64 << 10
    /// Octets of a line (RFC 5322 §2.1.1).
    private static let lineLimit = 998

    /// The header as far as it is kept: whole lines, each with its CRLF, without the empty line.
    package private(set) var header: [UInt8] = []
    /// Octets in all.
    package internal(set) var size = 0
    /// Whether there are octets above 127.
    package private(set) var isEightBit = false
    /// Whether the header needs RFC 6532.
    package private(set) var isInternational = false
    /// Whether it can be part of another message as it is: lines of up to 998 octets that end with CRLF, no NUL.
    package private(set) var isPlainLines = true

    private var isInHeader = true
    private var column = 0
    private var last: UInt8 = 0

    package init() {}

    /// Takes in the next octets.
    package mutating func receive(_ octets: borrowing Span<UInt8>) {
        for index in octets.indices { receive(octets[index]) }
    }

    /// Takes in the next octets.
    package mutating func receive(_ octets: some Sequence<UInt8>) {
        receive(Array(octets).span)
    }

    private mutating func receive(_ octet: UInt8) {
        size += 1
        if octet >= 0x80 {
            isEightBit = true
            if isInHeader { isInternational = true }
        }
        let endsLine = last == 0x0D && octet == 0x0A
        if (last == 0x0D) != (octet == 0x0A) || octet == 0 { isPlainLines = false }
        last = octet
        if isInHeader { receiveHeader(octet, endsLine: endsLine) }
        if endsLine {
            column = 0
        } else {
            column += 1
            if column > Self.lineLimit + 1 { isPlainLines = false }
        }
    }

    private mutating func receiveHeader(_ octet: UInt8, endsLine: Bool) {
        let isKept = header.count < Self.headerLimit
        if isKept { header.append(octet) }
        guard endsLine, column == 1 else { return }
        isInHeader = false
        // The empty line is not kept.
        if isKept { header.removeLast(2) }
    }

    /// The last octets have been received.
    package mutating func end() {
        if last != 0x0A { isPlainLines = false }
        // A header that was too long is cut after a whole line.
        let lineEnd = header.lastIndex(of: 0x0A).map { header.index(after: $0) }
        if let lineEnd { header.removeSubrange(lineEnd...) } else { header = [] }
    }

    /// Whether the header is in octets below 128 only.
    package var isASCIIHeader: Bool { header.allSatisfy { $0 < 0x80 } }

    /// The header for people to read.
    package var headerText: String { String(decoding: header, as: UTF8.self) }

    /// The unfolded value of the first field of a name; empty when there is none.
    package func field(_ name: String) -> String {
        let prefix = Array("\(name):".utf8)
        var value: [UInt8]?
        for line in header.split(separator: 0x0A, omittingEmptySubsequences: true) {
            let text = line.last == 0x0D ? line.dropLast() : line
            if value != nil {
                guard let first = text.first, first == .space || first == .tab else { break }
                value? += text
            } else if text.count >= prefix.count,
                zip(text, prefix).allSatisfy({ $0.asciiLowercase == $1.asciiLowercase })
            {
                value = Array(text.dropFirst(prefix.count))
            }
        }
        let words = (value ?? []).drop { $0 == .space || $0 == .tab }
        return String(decoding: words, as: UTF8.self)
    }

    /// The subject for people to read; empty when there is none.
    package var subject: String { EncodedWord.decode(field("Subject")) }

    /// The Message-ID with its angle brackets; nil when there is none that could be quoted safely.
    package var messageID: String? {
        let text = field("Message-ID").utf8.filter { $0 != .space && $0 != .tab }
        let inner = text.dropFirst().dropLast()
        guard (5...250).contains(text.count), text.first == UInt8(ascii: "<"),
            text.last == UInt8(ascii: ">"), inner.first != UInt8(ascii: "@"),
            inner.last != UInt8(ascii: "@"), inner.count(where: { $0 == UInt8(ascii: "@") }) == 1,
            inner.allSatisfy({ (0x21...0x7E).contains($0) && !#"<>(),;:\"[]"#.utf8.contains($0) })
        else { return nil }
        return String(decoding: text, as: UTF8.self)
    }
}

/// How much of the message a report returns, and how it is wrapped.
package enum ReturnedForm: Equatable, Sendable {
    /// The whole message as it is: `message/rfc822`, 7bit or 8bit.
    case message(isEightBit: Bool)
    /// The whole message with a UTF-8 header: `message/global` in base64 (RFC 6533 §5).
    case internationalMessage
    /// The header: `text/rfc822-headers` (RFC 6522 §4).
    case headers
    /// A header in UTF-8: `message/global-headers` (RFC 6533 §6).
    case internationalHeaders

    /// Octets of a whole message that is returned though nobody asked for it.
    private static let unaskedLimit = 64 << 10
    /// Octets of a whole message that is returned to those who asked (RET=FULL).
    package static let askedLimit = 10 << 20

    /// Chooses by what the sender asked for and the way can carry.
    ///
    /// - Parameters:
    ///   - message: The message that the report is about.
    ///   - kind: The whole message is returned with bad news only (RFC 3461 §4.3).
    ///   - wanted: RET; nil when the sender said nothing.
    ///   - mayBeEightBit: Whether the report goes nowhere where 8BITMIME is not known.
    package init(
        of message: ReturnedMessage, for kind: Report.Kind, wanted: Envelope.ReturnContent?,
        mayBeEightBit: Bool
    ) {
        let limit =
            switch wanted {
            case .full: Self.askedLimit
            case .headers: 0
            case nil: Self.unaskedLimit
            }
        let isWhole = kind == .failure && message.size <= limit
        if isWhole, message.isInternational {
            self = .internationalMessage
        } else if isWhole, message.isPlainLines, mayBeEightBit || !message.isEightBit {
            self = .message(isEightBit: message.isEightBit)
        } else {
            self = message.isASCIIHeader ? .headers : .internationalHeaders
        }
    }

    /// Whether the report has octets above 127.
    package var isEightBit: Bool { self == .message(isEightBit: true) }

    /// Whether the message itself follows, and not its header alone.
    package var isWhole: Bool {
        switch self {
        case .message, .internationalMessage: true
        case .headers, .internationalHeaders: false
        }
    }
}
