// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy
import SMTP

/// Says an entry's envelope in the words that a server understands.
struct EnvelopeWriter {
    private let envelope: Envelope
    private let sender: ReversePath
    private let extensions: PeerExtensions

    /// - Parameters:
    ///   - entry: Whose.
    ///   - route: Decides on the sender's address.
    ///   - policy: Knows how.
    ///   - extensions: The server's.
    init(_ entry: RelayEntry, route: Route, policy: RoutingPolicy, extensions: PeerExtensions) {
        envelope = entry.envelope.envelope
        sender = policy.sender(envelope.sender, on: route)
        self.extensions = extensions
    }

    /// The transaction for some recipients.
    ///
    /// - Throws: `SystemError` where the message had to be read and could not.
    func transaction(
        _ recipients: [Recipient], _ letter: Letter
    ) async throws(SystemError) -> ClientTransaction {
        // Clients declare more than they need; only a server that cannot do it makes it worth a look.
        var isEightBit = envelope.body == .eightBit || envelope.isInternational
        var isInternational = envelope.isInternational
        if isEightBit && !extensions.eightBitMIME || isInternational && !extensions.smtpUTF8 {
            let found = try await letter.eightBitParts()
            isEightBit = found.anywhere
            isInternational = found.header
        }
        let from = sender.address.map(path) ?? ""
        let to = recipients.map { recipient in
            ClientTransaction.Recipient(
                path(recipient.address), notify: recipient.notify?.text,
                originalRecipient: extensions.smtpUTF8
                    ? recipient.original?.parameter : recipient.original?.asciiParameter)
        }
        let needsUTF8 = isInternational || !from.isASCII || to.contains { !$0.path.isASCII }
        return ClientTransaction(
            sender: from, recipients: to, size: letter.size, isEightBit: isEightBit,
            needsUTF8: needsUTF8, returned: envelope.returnContent?.rawValue,
            envelopeID: envelope.identifier?.encoded)
    }

    /// As it was written, or where that is too much for the server with its domain in A-labels (RFC 6531 §3.2 leaves
    /// no other way to change an address).
    private func path(_ address: MailAddress) -> String {
        if extensions.smtpUTF8 || address.isASCII || !address.localPart.isASCII {
            return address.description
        }
        return "\(address.localPart)@\(address.domain.ascii)"
    }
}

extension String {
    nonisolated fileprivate var isASCII: Bool { utf8.allSatisfy { $0 < 0x80 } }
}
