// SPDX-License-Identifier: Apache-2.0
import Mail

/// One status line of the server, as a value until it is sent.
package struct Response: Equatable, Sendable, CustomStringConvertible {
    /// Says to a program what the text says to a person (RFC 2449 §8, RFC 3206).
    package enum Code: String, Sendable {
        /// Another session has the mailbox.
        case inUse = "IN-USE"
        /// The name or the password is at fault.
        case authentication = "AUTH"
        /// Trouble of ours that will pass.
        case temporary = "SYS/TEMP"
        /// Trouble of ours that somebody must repair.
        case permanent = "SYS/PERM"
        /// Too often in too short a time.
        case loginDelay = "LOGIN-DELAY"
    }

    package let isPositive: Bool
    package let code: Code?
    package let text: String

    private init(_ isPositive: Bool, _ code: Code?, _ text: String) {
        self.isPositive = isPositive
        self.code = code
        self.text = text
    }

    /// `+OK text`.
    package static func ok(_ text: String) -> Self { Self(true, nil, text) }

    /// `-ERR [CODE] text`.
    package static func error(_ text: String, code: Code? = nil) -> Self { Self(false, code, text) }

    /// The line without its CRLF.
    package var description: String { String(decoding: line.dropLast(2), as: UTF8.self) }

    /// The line with its CRLF.
    package var line: [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(text.utf8.count + 24)
        line += isPositive ? "+OK".utf8 : "-ERR".utf8
        if let code {
            line += " [".utf8
            line += code.rawValue.utf8
            line.append(UInt8(ascii: "]"))
        }
        if !text.isEmpty {
            line.append(UInt8(ascii: " "))
            line += text.utf8
        }
        line.append(.carriageReturn)
        line.append(.lineFeed)
        return line
    }
}

/// Every sentence that the session can say, so that none tells more than another place would.
extension Response {
    static func greeting(_ hostName: String) -> Self { ok("\(hostName) POP3 ready") }
    static let bye = ok("Bye")
    static let done = ok("")
    static let continueWithPassword = ok("Now the password")
    static let beginTLS = ok("Begin TLS negotiation")
    static let utf8Mode = ok("UTF-8 it is")

    static let lineEnd = error("Lines must end with CRLF")
    static let lineTooLong = error("Line too long")
    static let unknownCommand = error("Unknown command")
    static let argumentMissing = error("Argument missing")
    static let argumentUnexpected = error("Too many arguments")
    static let notANumber = error("A number is wanted")
    static let notNow = error("Not in this state")
    static let tooManyErrors = error("Too many errors")

    static let tlsActive = error("TLS is active already")
    static let tlsUnavailable = error("TLS is not available here")
    static let tlsNoPipelining = error("Nothing may follow STLS before the handshake")
    static let tlsFirst = error("Use STLS first")
    static let noAPOP = error("APOP is not supported")
    static let userFirst = error("USER first")
    static let unknownMechanism = error("Unknown mechanism")
    static let loginCancelled = error("Login cancelled")
    static let badBase64 = error("Not base64")
    static let loginFailed = error("Wrong user name or password", code: .authentication)
    static let languageUnknown = error("Unknown language")

    static let noSuchMessage = error("No such message")
    static let messageGone = error("The message is not there any more")
    static let messageUnreadable = error("The message cannot be read now", code: .temporary)
    static func notDeleted(_ numbers: [Int]) -> Self {
        let shown = numbers.prefix(40).map(String.init).joined(separator: " ")
        return error("Not deleted: \(shown)\(numbers.count > 40 ? " ..." : "")", code: .temporary)
    }

    init(_ error: SyntaxError) {
        self =
            switch error {
            case .unknownCommand: .unknownCommand
            case .argumentMissing: .argumentMissing
            case .argumentUnexpected: .argumentUnexpected
            case .notANumber: .notANumber
            }
    }
}
