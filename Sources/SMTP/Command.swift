// SPDX-License-Identifier: Apache-2.0
package import Mail

/// A client's command, its syntax checked (RFC 5321 §4.1.1 and extensions).
package enum Command: Equatable, Sendable {
    /// HELO, or EHLO if extended.
    case hello(name: String, isExtended: Bool)
    case mail(ReversePath, MailParameters)
    case recipient(ForwardPath, RecipientParameters)
    case data
    /// BDAT (RFC 3030): so many octets follow.
    case chunk(octets: Int, isLast: Bool)
    case reset
    case noop
    case quit
    case help
    case verify
    case expand
    /// STARTTLS (RFC 3207).
    case startTLS
    /// AUTH (RFC 4954); the mechanism's name is the client's, the response still base64.
    case login(mechanism: String, initialResponse: [UInt8]?)
}

/// No print or failed test shows what a client logs in with.
extension Command: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        switch self {
        case .hello(let name, let isExtended): "\(isExtended ? "EHLO" : "HELO") \(name)"
        case .mail(let path, _): "MAIL \(path)"
        case .recipient(.postmaster, _): "RCPT <Postmaster>"
        case .recipient(.address(let address), _): "RCPT <\(address)>"
        case .data: "DATA"
        case .chunk(let octets, let isLast): "BDAT \(octets)\(isLast ? " LAST" : "")"
        case .reset: "RSET"
        case .noop: "NOOP"
        case .quit: "QUIT"
        case .help: "HELP"
        case .verify: "VRFY"
        case .expand: "EXPN"
        case .startTLS: "STARTTLS"
        case .login(let mechanism, _): "AUTH \(mechanism)"
        }
    }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a line is no command that can be obeyed.
package enum SyntaxError: Error, Equatable, Sendable {
    /// No such command.
    case unknownCommand
    /// A command of SMTP that this server does not have.
    case notImplemented
    /// A browser that was led here by a web page; nothing good can follow.
    case foreignProtocol
    /// The line is longer than its command may be (RFC 5321 §4.5.3.1.4 and extensions).
    case lineTooLong
    /// A bare CR or LF in the line.
    case bareLineEnd
    /// Not the command's form; the text says what that is.
    case malformed(usage: String)
    /// The address of MAIL.
    case badSender(AddressError)
    /// The address of RCPT.
    case badRecipient(AddressError)
    /// Such as `SIZE=many`; the text is the parameter's name.
    case badParameter(String)
    /// A parameter given twice.
    case repeatedParameter(String)
    /// A parameter of no extension that was offered.
    case unknownParameter
    /// How many octets follow this BDAT cannot be known.
    case unknownChunkLength
}
