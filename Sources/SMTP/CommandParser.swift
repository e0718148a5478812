// SPDX-License-Identifier: Apache-2.0
import Mail

/// Reads one command line, its CRLF removed.
package enum CommandParser {
    /// The longest line of any command with its CRLF.
    package static let lineLimit = 2048

    /// The command that a line spells.
    ///
    /// - Parameters:
    ///   - line: Without CR and LF.
    ///   - extensions: Only their parameters are known.
    /// - Returns: The command.
    /// - Throws: `SyntaxError` for anything that is no command of this server.
    package static func command(
        in line: [UInt8], offered extensions: Extensions = .all
    ) throws(SyntaxError) -> Command {
        var cursor = ByteCursor(line)
        let word = cursor.take { $0 > 0x20 && $0 != 0x7F }
        guard word.count <= 8, cursor.isAtEnd || cursor.current == .space,
            let verb = Verb(rawValue: word.asciiUppercased)
        else { throw .unknownCommand }
        // A BDAT that is refused for its length must still be understood: its octets follow.
        guard line.count + 2 <= verb.lineLimit || verb == .bdat else { throw .lineTooLong }
        switch verb {
        case .helo, .ehlo: return try hello(from: &cursor, isExtended: verb == .ehlo)
        case .mail:
            guard cursor.skip(.space), cursor.skip(word: "FROM:") else {
                throw .malformed(usage: "MAIL FROM:<address>")
            }
            return try mail(from: &cursor, offered: extensions)
        case .rcpt:
            guard cursor.skip(.space), cursor.skip(word: "TO:") else {
                throw .malformed(usage: "RCPT TO:<address>")
            }
            return try recipient(from: &cursor, offered: extensions)
        case .data: return try alone(.data, "DATA", cursor)
        case .bdat:
            guard extensions.contains(.chunking) else { throw .unknownChunkLength }
            return try chunk(from: &cursor)
        case .rset: return try alone(.reset, "RSET", cursor)
        case .quit: return try alone(.quit, "QUIT", cursor)
        case .starttls: return try alone(.startTLS, "STARTTLS", cursor)
        // NOOP and HELP may have a string, which is ignored (RFC 5321 §4.1.1.9).
        case .noop: return .noop
        case .help: return .help
        case .vrfy, .expn:
            cursor.skipSpaces()
            guard !cursor.isAtEnd else { throw .malformed(usage: "\(verb.rawValue) address") }
            return verb == .vrfy ? .verify : .expand
        case .auth: return try login(from: &cursor)
        case .send, .soml, .saml, .turn, .etrn, .atrn: throw .notImplemented
        case .get, .post, .head, .put, .connect, .options: throw .foreignProtocol
        }
    }

    private enum Verb: String {
        case helo = "HELO"
        case ehlo = "EHLO"
        case mail = "MAIL"
        case rcpt = "RCPT"
        case data = "DATA"
        case bdat = "BDAT"
        case rset = "RSET"
        case noop = "NOOP"
        case quit = "QUIT"
        case help = "HELP"
        case vrfy = "VRFY"
        case expn = "EXPN"
        case starttls = "STARTTLS"
        case auth = "AUTH"
        case send = "SEND"
        case soml = "SOML"
        case saml = "SAML"
        case turn = "TURN"
        case etrn = "ETRN"
        case atrn = "ATRN"
        case get = "GET"
        case post = "POST"
        case head = "HEAD"
        case put = "PUT"
        case connect = "CONNECT"
        case options = "OPTIONS"

        /// 512 octets with CRLF (RFC 5321 §4.5.3.1.4), and what the extensions add.
        var lineLimit: Int {
            switch self {
            // SIZE 26 (RFC 1870), BODY 16 (6152), AUTH 500 (4954), SMTPUTF8 10 (6531), RET and ENVID 116 (3461).
            case .mail: 512 + 26 + 16 + 500 + 10 + 116
            // ORCPT 507 and NOTIFY 28 (RFC 3461).
            case .rcpt: 512 + 507 + 28
            // An initial response counts (RFC 4954 §4); clients that ignore it are let be.
            case .auth: CommandParser.lineLimit
            default: 512
            }
        }
    }

    private static func alone(
        _ command: Command, _ name: String, _ cursor: ByteCursor
    ) throws(SyntaxError) -> Command {
        var cursor = cursor
        cursor.skipSpaces()
        guard cursor.isAtEnd else { throw .malformed(usage: "\(name) alone") }
        return command
    }

    /// A name that is no domain is taken too (RFC 5321 §4.1.4): phones and printers send what they are called.
    private static func hello(
        from cursor: inout ByteCursor, isExtended: Bool
    ) throws(SyntaxError) -> Command {
        cursor.skipSpaces()
        var name = cursor.take { $0 > 0x20 && $0 != 0x7F }
        cursor.skipSpaces()
        let verb = isExtended ? "EHLO" : "HELO"
        guard cursor.isAtEnd, !name.isEmpty, name.count <= Domain.lengthLimit
        else { throw .malformed(usage: "\(verb) your.host.name") }
        if name.last == UInt8(ascii: "."), name.count > 1 { name = name.dropLast() }
        if let domain = Domain(bytes: name) {
            return .hello(name: domain.isASCII ? domain.text : domain.ascii, isExtended: isExtended)
        }
        // It is written into Received: nothing in it may look like anything else there.
        let isHarmless = name.allSatisfy {
            $0.isASCIILetter || $0.isASCIIDigit || "-_.:[]".utf8.contains($0)
        }
        guard isHarmless else { throw .malformed(usage: "\(verb) your.host.name") }
        return .hello(name: String(decoding: name, as: UTF8.self), isExtended: isExtended)
    }

    private static func mail(
        from cursor: inout ByteCursor, offered: Extensions
    ) throws(SyntaxError) -> Command {
        cursor.skipSpaces()
        let path: ReversePath
        do throws(AddressError) {
            path = try ReversePath(from: &cursor)
        } catch {
            throw .badSender(error)
        }
        return .mail(path, try MailParameters(from: &cursor, offered: offered))
    }

    private static func recipient(
        from cursor: inout ByteCursor, offered: Extensions
    ) throws(SyntaxError) -> Command {
        cursor.skipSpaces()
        let path: ForwardPath
        do throws(AddressError) {
            path = try ForwardPath(from: &cursor)
        } catch {
            throw .badRecipient(error)
        }
        return .recipient(path, try RecipientParameters(from: &cursor, offered: offered))
    }

    /// `BDAT chunk-size [ "LAST" ]` (RFC 3030 §2).
    private static func chunk(from cursor: inout ByteCursor) throws(SyntaxError) -> Command {
        cursor.skipSpaces()
        let digits = cursor.take(while: \.isASCIIDigit)
        guard (1...18).contains(digits.count),
            let octets = Int(String(decoding: digits, as: UTF8.self))
        else { throw .unknownChunkLength }
        let hadSpace = cursor.skip(.space)
        cursor.skipSpaces()
        if cursor.isAtEnd { return .chunk(octets: octets, isLast: false) }
        guard hadSpace, cursor.skip(word: "LAST") else { throw .unknownChunkLength }
        cursor.skipSpaces()
        guard cursor.isAtEnd else { throw .unknownChunkLength }
        return .chunk(octets: octets, isLast: true)
    }

    /// `AUTH mechanism [initial-response]` (RFC 4954 §4).
    private static func login(from cursor: inout ByteCursor) throws(SyntaxError) -> Command {
        cursor.skipSpaces()
        let mechanism = cursor.take { $0 > 0x20 && $0 < 0x7F }
        guard !mechanism.isEmpty, mechanism.count <= 20
        else { throw .malformed(usage: "AUTH mechanism [initial-response]") }
        let hadSpace = cursor.skip(.space)
        cursor.skipSpaces()
        let response = cursor.take { $0 > 0x20 }
        cursor.skipSpaces()
        guard cursor.isAtEnd else { throw .malformed(usage: "AUTH mechanism [initial-response]") }
        return .login(
            mechanism: mechanism.asciiUppercased,
            initialResponse: hadSpace && !response.isEmpty ? Array(response) : nil)
    }
}
