// SPDX-License-Identifier: Apache-2.0
package import Mail

/// One reply, of one line or several (RFC 5321 §4.2, RFC 2034).
package struct Reply: Equatable, Sendable {
    package let code: ReplyCode
    /// Goes before each line's text; not in greetings, answers to HELO and EHLO, and 3yz.
    package let status: EnhancedStatus?
    /// At least one; what is no printable ASCII is sent as `?`.
    package let lines: [String]

    /// A reply of one line.
    package init(_ code: ReplyCode, _ status: EnhancedStatus?, _ text: String) {
        self.init(code, status, lines: [text])
    }

    /// A reply of several lines.
    package init(_ code: ReplyCode, _ status: EnhancedStatus?, lines: [String]) {
        self.code = code
        self.status = status
        self.lines = lines.isEmpty ? [""] : lines
    }

    /// RFC 5321 §4.5.3.1.5, the CRLF included.
    package static let lineLimit = 512

    /// As it is sent.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(lines.reduce(0) { $0 + $1.utf8.count + 16 })
        let code = Array("\(code)".utf8)
        let status = status.map { Array("\($0) ".utf8) } ?? []
        for (index, line) in lines.enumerated() {
            bytes += code
            bytes.append(index == lines.count - 1 ? UInt8(ascii: " ") : UInt8(ascii: "-"))
            bytes += status
            let room = Self.lineLimit - 2 - code.count - 1 - status.count
            for byte in line.utf8.prefix(room) {
                bytes.append((0x20...0x7E).contains(byte) ? byte : UInt8(ascii: "?"))
            }
            bytes.append(.carriageReturn)
            bytes.append(.lineFeed)
        }
        return bytes
    }
}

extension Reply: CustomStringConvertible {
    /// The last line as it is sent: for logs.
    package var description: String {
        let status = status.map { "\($0) " } ?? ""
        return "\(code) \(status)\(lines.last ?? "")"
    }
}
