// SPDX-License-Identifier: Apache-2.0
import Mail

/// Where a session is; its transaction and content are beside it, as they are changed in place.
enum ServerState: Sendable {
    /// Nothing happened yet → asking.
    case opening
    /// Waits for an answer → ready, exchanging, closing.
    case asking(Pending)
    /// Reads commands → any.
    case ready
    /// Reads lines of a login → asking, ready.
    case exchanging(SASLExchange, SASLExchange.Mechanism)
    /// Waits for the handshake → ready, closing.
    case encrypting
    /// Reads octets of a message or of a chunk → ready, closing.
    case receiving
    /// Ends.
    case closing

    /// What a question was asked for.
    enum Pending: Sendable {
        case client
        case credentials(Credentials, SASLExchange.Mechanism)
        case sender(ReversePath, MailParameters)
        case recipient(Recipient)
    }
}

/// What must be so for a command to be legal: one table for all commands and states.
struct Demands: OptionSet {
    let rawValue: UInt8

    /// HELO or EHLO was said.
    static let hello = Self(rawValue: 1)
    /// A login, where the settings require one.
    static let login = Self(rawValue: 2)
    /// MAIL was accepted.
    static let sender = Self(rawValue: 4)
    /// MAIL was not accepted yet.
    static let noSender = Self(rawValue: 8)
    /// No BDAT of this transaction was accepted.
    static let noChunks = Self(rawValue: 16)
    /// RCPT was accepted.
    static let recipients = Self(rawValue: 32)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// RFC 5321 §4.1.4; RFC 4954 §4 and §6 for logins; RFC 3030 §2 for chunks.
    init(of command: Command) {
        switch command {
        case .hello, .reset, .noop, .quit: self = []
        case .help: self = []
        case .verify, .expand: self = [.login]
        case .startTLS: self = [.noSender]
        case .login: self = [.hello, .noSender]
        case .mail: self = [.hello, .login, .noChunks, .noSender]
        case .recipient: self = [.hello, .login, .sender, .noChunks]
        case .data: self = [.hello, .login, .sender, .noChunks, .recipients]
        case .chunk: self = [.hello, .login, .sender, .recipients]
        }
    }
}

/// One MAIL up to the end of its data.
struct Transaction: Sendable {
    var envelope: Envelope
    /// Recipients that were refused; for what DATA says when none is left.
    var refusedCount = 0
}
