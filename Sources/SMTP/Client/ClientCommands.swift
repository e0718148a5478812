// SPDX-License-Identifier: Apache-2.0

/// The command lines of a transaction.
extension ClientSession.Transaction {
    /// What is sent first: all commands where the server has PIPELINING (RFC 2920 §3.1), else MAIL.
    mutating func commands(for extensions: PeerExtensions) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128 + 64 * message.recipients.count)
        appendMail(to: &bytes, extensions)
        expected = [.mail]
        guard extensions.pipelining else { return bytes }
        for index in message.recipients.indices {
            append(message.recipients[index], to: &bytes, extensions)
            expected.append(.recipient(index))
        }
        nextRecipient = message.recipients.count
        bytes += "DATA\r\n".utf8
        expected.append(.data)
        return bytes
    }

    /// RCPT for the next recipient.
    mutating func recipientCommand(for extensions: PeerExtensions) -> [UInt8] {
        var bytes: [UInt8] = []
        append(message.recipients[nextRecipient], to: &bytes, extensions)
        expected = [.recipient(nextRecipient)]
        nextRecipient += 1
        return bytes
    }

    mutating func dataCommand() -> [UInt8] {
        expected = [.data]
        return Array("DATA\r\n".utf8)
    }

    private func appendMail(to bytes: inout [UInt8], _ extensions: PeerExtensions) {
        bytes += "MAIL FROM:<".utf8
        append(message.sender, to: &bytes)
        bytes += ">".utf8
        if extensions.size { bytes += " SIZE=\(message.size)".utf8 }
        if message.isEightBit { bytes += " BODY=8BITMIME".utf8 }
        if message.needsUTF8 { bytes += " SMTPUTF8".utf8 }
        if extensions.dsn {
            append(" RET=", message.returned, to: &bytes)
            append(" ENVID=", message.envelopeID, to: &bytes)
        }
        bytes += "\r\n".utf8
    }

    private func append(
        _ recipient: ClientTransaction.Recipient, to bytes: inout [UInt8],
        _ extensions: PeerExtensions
    ) {
        bytes += "RCPT TO:<".utf8
        append(recipient.path, to: &bytes)
        bytes += ">".utf8
        if extensions.dsn {
            append(" NOTIFY=", recipient.notify, to: &bytes)
            append(" ORCPT=", recipient.originalRecipient, to: &bytes)
        }
        bytes += "\r\n".utf8
    }

    /// A path was parsed before, but may have come from a hand-edited file: no line end leaves from here.
    private func append(_ text: String, to bytes: inout [UInt8]) {
        bytes += text.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
    }

    private func append(_ keyword: String, _ value: String?, to bytes: inout [UInt8]) {
        guard let value, !value.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) else { return }
        bytes += keyword.utf8
        bytes += value.utf8
    }
}
