// SPDX-License-Identifier: Apache-2.0
import Mail

/// Every sentence that the server can say.
///
/// None repeats what the client sent: a reply cannot be used to put words in the server's mouth.
package enum ServerReplies {
    // MARK: The session

    /// 220: the first words.
    static func greeting(_ hostName: String) -> Reply {
        Reply(.ready, nil, "\(hostName) ESMTP wMailServer")
    }

    static func helo(_ hostName: String) -> Reply { Reply(.ok, nil, hostName) }

    static func ehlo(_ hostName: String, keywords: [String]) -> Reply {
        Reply(.ok, nil, lines: [hostName] + keywords)
    }

    static let noop = Reply(.ok, .success, "Fine")
    static let reset = Reply(.ok, .success, "Forgotten")
    static let quit = Reply(.closing, .success, "Goodbye")
    static let help = Reply(
        .help, .success,
        lines: [
            "HELO EHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS AUTH",
            "See RFC 5321",
        ])
    /// RFC 5321 §3.5.3.
    static let verify = Reply(
        .cannotVerify, .success, "Cannot say; send the message and it will be tried")
    static let startTLS = Reply(.ready, .success, "Ready to start TLS")
    static let startMail = Reply(.startMail, nil, "Send the message, end with <CRLF>.<CRLF>")

    static let senderAccepted = Reply(.ok, .senderValid, "Sender accepted")
    static let recipientAccepted = Reply(.ok, .recipientValid, "Recipient accepted")

    static func chunkAccepted(_ octets: Int) -> Reply {
        Reply(.ok, .success, "\(octets) octets received")
    }

    static func queued(_ id: String) -> Reply { Reply(.ok, .success, "Queued as \(id)") }

    static let loggedIn = Reply(.loggedIn, .authenticated, "Logged in")

    static func challenge(_ base64: [UInt8]) -> Reply {
        Reply(.challenge, nil, String(decoding: base64, as: UTF8.self))
    }

    // MARK: The session ends

    static let tooManyErrors = Reply(
        .serviceUnavailable, .securityTrouble, "Too many errors; closing")
    static let tooManyLogins = Reply(
        .serviceUnavailable, .securityTrouble, "Too many failed logins; closing")
    static let timedOut = Reply(.serviceUnavailable, .timedOut, "Nothing came in time; closing")
    static let shuttingDown = Reply(
        .serviceUnavailable, .shuttingDown, "Service stops; please come again")
    static let foreignProtocol = Reply(
        .serviceUnavailable, .securityTrouble, "This is SMTP; closing")
    static let inputBeforeTLS = Reply(
        .serviceUnavailable, .securityTrouble, "Input between STARTTLS and TLS; closing")
    static let unknownChunkLength = Reply(
        .serviceUnavailable, .securityTrouble, "Cannot tell where this chunk ends; closing")

    /// 421: this client may not come in now.
    package static let blocked = Reply(
        .serviceUnavailable, .securityTrouble, "Not now; try again later")
    /// 421: too much at once.
    package static let busy = Reply(
        .serviceUnavailable, .shuttingDown, "Too busy; try again later")

    // MARK: Order of commands

    static let helloFirst = Reply(.badSequence, .invalidCommand, "Say EHLO first")
    static let mailFirst = Reply(.badSequence, .invalidCommand, "MAIL first")
    static let nestedMail = Reply(.badSequence, .invalidCommand, "Sender already given")
    static let inTransaction = Reply(
        .badSequence, .invalidCommand, "Not within a mail transaction")
    static let inChunks = Reply(.badSequence, .invalidCommand, "Only BDAT or RSET after BDAT")
    static let noRecipients = Reply(.failed, .invalidCommand, "No valid recipients")
    static let alreadyEncrypted = Reply(.badSequence, .invalidCommand, "TLS is in use already")
    static let alreadyLoggedIn = Reply(.badSequence, .invalidCommand, "Logged in already")
    static let notOffered = Reply(.notImplemented, .invalidCommand, "Not offered here")
    static let encryptionFirst = Reply(
        .encryptionRequired, .encryptionRequired, "Use STARTTLS before logging in")
    static let startTLSFirst = Reply(.loginRequired, .securityRequired, "Use STARTTLS and log in")
    static let unknownMechanism = Reply(
        .parameterNotImplemented, .badArguments, "No such login mechanism here")

    // MARK: Logins

    static let loginFailed = Reply(
        .badCredentials, .badCredentials, "User name or password is wrong")
    static let loginUnavailable = Reply(
        .temporaryLoginTrouble, .securityTrouble, "Cannot check logins now; try again later")
    static let loginCancelled = Reply(.argumentError, .securityRequired, "Login given up")
    static let loginMalformed = Reply(.argumentError, .badSyntax, "Not a response to the challenge")
    static let loginLineTooLong = Reply(.syntaxError, .loginLineTooLong, "Line too long")

    // MARK: Senders and recipients

    /// 530: on submission, or when a login could help.
    package static let loginRequired = Reply(.loginRequired, .securityRequired, "Log in first")
    /// 550: at home with us, but nobody.
    package static let unknownUser = Reply(.rejected, .unknownMailbox, "No such user here")
    /// 550: an account that receives nothing.
    package static let mailboxDisabled = Reply(
        .rejected, .mailboxDisabled, "This user receives no mail")
    /// 550: a domain that is not ours.
    package static let relayingDenied = Reply(
        .rejected, .notAuthorized, "Mail for this domain is not relayed for you")
    /// 550: the login lacks the permission.
    package static let localSendingDenied = Reply(
        .rejected, .notAuthorized, "This login may not send to local users")
    /// 553: the login may not use the address as envelope sender or in From.
    package static let notOwnAddress = Reply(
        .addressRejected, .notAuthorized, "This login may not use that sender address")
    /// 550: a sender of ours from outside without login.
    package static let ownDomainFromOutside = Reply(
        .rejected, .notAuthorized, "Log in to send as a user of this domain")
    /// 452: more than in the settings.
    static let tooManyRecipients = Reply(
        .insufficientStorage, .tooManyRecipients, "Too many recipients; send the rest later")
    /// 452: a limit per hour is reached.
    package static let overLimit = Reply(
        .insufficientStorage, .securityTrouble, "Sending limit reached; try again later")
    static let internationalAddress = Reply(
        .addressRejected, .internationalNotSupported, "This address needs SMTPUTF8")

    // MARK: Messages

    static let tooBig = Reply(.tooBig, .messageTooBig, "Message too big")
    static let headerTooBig = Reply(.tooBig, .messageTooBig, "Header too big")
    static let bareLineEnd = Reply(
        .rejected, .bareLineEnd, "Bare CR or LF; every line must end with CRLF")
    static let lineTooLong = Reply(.rejected, .mediaError, "A line of the text is too long")
    static let beginsFolded = Reply(
        .rejected, .mediaError, "The message begins with the continuation of a line")
    static let loop = Reply(.failed, .loop, "Too many hops; this is a loop")
    /// 550: header and envelope or login do not fit each other.
    package static let badFrom = Reply(
        .rejected, .notAuthorized, "From must name one author, an address of this login")
    /// 452: no room.
    package static let storageFull = Reply(
        .insufficientStorage, .storageFull, "No room to store the message; try again later")
    /// 451: whatever went wrong here.
    package static let localTrouble = Reply(
        .localError, .localTrouble, "Trouble here; try again later")

    // MARK: Syntax

    /// What is said to a line that is no command.
    static func reply(to error: SyntaxError) -> Reply {
        switch error {
        case .unknownCommand: Reply(.syntaxError, .invalidCommand, "No such command")
        case .notImplemented: Reply(.notImplemented, .invalidCommand, "Not implemented")
        case .foreignProtocol: foreignProtocol
        case .lineTooLong: Reply(.syntaxError, .badSyntax, "Line too long")
        case .bareLineEnd: Reply(.syntaxError, .badSyntax, "Lines end with CRLF only")
        case .malformed(let usage): Reply(.argumentError, .badArguments, "Expected \(usage)")
        case .badSender(let error):
            Reply(.argumentError, .badSenderSyntax, "Sender \(reason(error))")
        case .badRecipient(let error):
            Reply(.argumentError, .badRecipientSyntax, "Recipient \(reason(error))")
        case .badParameter(let name):
            Reply(.argumentError, .badArguments, "Bad value of parameter \(name.prefix(40))")
        case .repeatedParameter: Reply(.argumentError, .badArguments, "Parameter given twice")
        case .unknownParameter: Reply(.unknownParameter, .badArguments, "Unknown parameter")
        case .unknownChunkLength: unknownChunkLength
        }
    }

    private static func reason(_ error: AddressError) -> String {
        switch error {
        case .malformed: "is not <user@domain>"
        case .localPartTooLong: "has too long a local part"
        case .badDomain: "has no proper domain"
        case .pathTooLong: "is too long"
        }
    }
}
