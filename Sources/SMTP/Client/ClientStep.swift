// SPDX-License-Identifier: Apache-2.0
package import Mail

/// What the client's side of a connection has to do next.
package enum ClientStep: Equatable, Sendable {
    /// Read, give what came to ``ClientSession/receive(_:)``, or call ``ClientSession/ended(_:)``.
    case wait(ClientWait)
    case send([UInt8])
    /// Shake hands; then call ``ClientSession/tlsStarted()``, or ``ClientSession/ended(_:)`` and close.
    case startTLS
    /// Greeted, encrypted and logged in as demanded: ``ClientSession/begin(_:)`` or ``ClientSession/quit()``.
    case ready
    /// Send the message, dots doubled, up to the CRLF of its last line; then ``ClientSession/contentSent()``.
    case content
    /// The transaction is over: one outcome for each of its recipients, in their order.
    case settled([Outcome])
    /// The connection is over; the outcome says why unless that was wanted.
    case close(Outcome?)
}

/// What is waited for, which decides how long (RFC 5321 §4.5.3.2).
package enum ClientWait: CaseIterable, Equatable, Sendable {
    /// §4.5.3.2.1
    case greeting
    /// §4.5.3.2.2, §4.5.3.2.3, and EHLO, STARTTLS, AUTH, RSET.
    case reply
    /// §4.5.3.2.4
    case data
    /// §4.5.3.2.6; long, because giving up early is what makes duplicates.
    case endOfData
    /// Politeness only.
    case quit

    /// The shortest timeout that RFC 5321 wants.
    package var seconds: Double {
        switch self {
        case .greeting, .reply: 300
        case .data: 120
        case .endOfData: 600
        case .quit: 5
        }
    }
}

/// How a connection is to be used.
package struct ClientSettings: Equatable, Sendable {
    /// What the server must offer.
    package enum Encryption: String, CaseIterable, Sendable {
        /// The stream is encrypted from the first octet, or shall not be.
        case none
        case ifOffered
        case required
    }

    /// Said in EHLO: our host name, or an address literal (RFC 5321 §4.1.1.1).
    package var name: String
    package var encryption: Encryption
    /// For AUTH; nil where no login is wanted.
    package var credentials: Credentials?
    /// Whether the password may be sent without encryption.
    package var maySendPasswordInClear: Bool
    /// Whether the stream is encrypted already (implicit TLS).
    package var isEncrypted: Bool

    package init(
        name: String, encryption: Encryption, credentials: Credentials? = nil,
        maySendPasswordInClear: Bool = false, isEncrypted: Bool = false
    ) {
        self.name = name
        self.encryption = encryption
        self.credentials = credentials
        self.maySendPasswordInClear = maySendPasswordInClear
        self.isEncrypted = isEncrypted
    }
}

/// One message for some recipients at one server.
package struct ClientTransaction: Equatable, Sendable {
    /// A forward-path with its parameters of RFC 3461 §4, as they are written on the wire.
    package struct Recipient: Equatable, Sendable {
        /// Without angle brackets.
        package var path: String
        package var notify: String?
        package var originalRecipient: String?

        package init(_ path: String, notify: String? = nil, originalRecipient: String? = nil) {
            self.path = path
            self.notify = notify
            self.originalRecipient = originalRecipient
        }
    }

    /// The reverse-path without angle brackets; empty for the null one.
    package var sender: String
    package var recipients: [Recipient]
    /// Octets of the message with CRLF line ends, dots not doubled (RFC 1870 §5).
    package var size: Int
    /// Whether it holds octets above 127.
    package var isEightBit: Bool
    /// Whether an address or the header needs RFC 6531.
    package var needsUTF8: Bool
    /// RET of RFC 3461 §4.3, such as `HDRS`.
    package var returned: String?
    /// ENVID of RFC 3461 §4.4, in xtext.
    package var envelopeID: String?

    package init(
        sender: String, recipients: [Recipient], size: Int, isEightBit: Bool = false,
        needsUTF8: Bool = false, returned: String? = nil, envelopeID: String? = nil
    ) {
        self.sender = sender
        self.recipients = recipients
        self.size = size
        self.isEightBit = isEightBit
        self.needsUTF8 = needsUTF8
        self.returned = returned
        self.envelopeID = envelopeID
    }
}
