// SPDX-License-Identifier: Apache-2.0
import Mail
@testable import SMTP
import Testing

@Suite struct CommandParserTests {
    private func parse(_ line: String) throws(SyntaxError) -> Command {
        try CommandParser.command(in: Array(line.utf8))
    }

    @Test(arguments: [
        ("EHLO a.example", Command.hello(name: "a.example", isExtended: true)),
        ("helo  a ", .hello(name: "a", isExtended: false)),
        ("EHLO [IPv6:::1]", .hello(name: "[IPv6:::1]", isExtended: true)),
        ("EHLO bücher.example", .hello(name: "xn--bcher-kva.example", isExtended: true)),
        ("Data", .data), ("DATA ", .data), ("RSET", .reset), ("QUIT", .quit),
        ("NOOP x y", .noop), ("HELP MAIL", .help), ("VRFY x", .verify), ("EXPN x", .expand),
        ("STARTTLS", .startTLS),
        ("BDAT 0", .chunk(octets: 0, isLast: false)),
        ("BDAT 12 last", .chunk(octets: 12, isLast: true)),
        ("BDAT 007 ", .chunk(octets: 7, isLast: false)),
        ("AUTH plain", .login(mechanism: "PLAIN", initialResponse: nil)),
        ("AUTH PLAIN ", .login(mechanism: "PLAIN", initialResponse: nil)),
        ("AUTH PLAIN =", .login(mechanism: "PLAIN", initialResponse: [61])),
        ("AUTH X-Y AA==", .login(mechanism: "X-Y", initialResponse: Array("AA==".utf8))),
        ("MAIL FROM:<>", .mail(.null, MailParameters())),
    ])
    func right(line: String, command: Command) throws {
        #expect(try parse(line) == command)
    }

    @Test(arguments: [
        ("", SyntaxError.unknownCommand), (" NOOP", .unknownCommand), ("NOOP\tx", .unknownCommand),
        ("EHLOx a", .unknownCommand), ("\0", .unknownCommand), ("ÄHLO a", .unknownCommand),
        ("STARTTLSX", .unknownCommand), ("TURN", .notImplemented), ("ATRN x", .notImplemented),
        ("GET / HTTP/1.1", .foreignProtocol), ("CONNECT a:25 HTTP/1.1", .foreignProtocol),
        ("BDAT", .unknownChunkLength), ("BDAT +1", .unknownChunkLength),
        ("BDAT 0x1", .unknownChunkLength), ("BDAT 1 2", .unknownChunkLength),
        ("BDAT 1234567890123456789", .unknownChunkLength), ("BDAT LAST", .unknownChunkLength),
        ("MAIL FROM:<a@b> X", .unknownParameter), ("MAIL FROM:<a@b> X=", .badParameter("X")),
        ("MAIL FROM:<a@b> SIZE=1 size=1", .repeatedParameter("SIZE")),
        ("MAIL FROM:<a@b..c>", .badSender(.badDomain)),
        ("RCPT TO:<@>", .badRecipient(.badDomain)),
        ("AUTH PLAIN a b", .malformed(usage: "AUTH mechanism [initial-response]")),
        ("AUTH AAAAAAAAAAAAAAAAAAAAA", .malformed(usage: "AUTH mechanism [initial-response]")),
        ("STARTTLS x", .malformed(usage: "STARTTLS alone")),
    ])
    func wrong(line: String, error: SyntaxError) {
        #expect(throws: error) { try parse(line) }
    }

    @Test func parametersOfMail() throws {
        let line = "MAIL FROM:<a@b> SIZE=7 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=a+20b AUTH=x"
        guard case .mail(_, let found) = try parse(line) else {
            Issue.record("not MAIL")
            return
        }
        var expected = MailParameters()
        expected.size = 7
        expected.body = .eightBit
        expected.isInternational = true
        expected.returnContent = .full
        expected.identifier = XText("a b")
        expected.hasAuthor = true
        #expect(found == expected)
    }

    @Test func parametersOfRecipient() throws {
        let line = "RCPT TO:<a@b> NOTIFY=FAILURE,delay ORCPT=rfc822;x@y"
        guard case .recipient(_, let found) = try parse(line) else {
            Issue.record("not RCPT")
            return
        }
        #expect(found.notify == [.failure, .delay])
        #expect(found.original?.parameter == "rfc822;x@y")
    }

    @Test func noSecretInWhatIsPrinted() throws {
        let command = try parse("AUTH PLAIN AHRpbQB0YW5zdGFhZg==")
        for text in ["\(command)", String(reflecting: command)] { #expect(!text.contains("AHRp")) }
        var dumped = ""
        dump(command, to: &dumped)
        #expect(!dumped.contains("65") && !dumped.contains("AHRp"))
    }
}

@Suite struct ReplyTests {
    @Test(arguments: [
        (Reply(.ok, .success, "Fine"), "250 2.0.0 Fine\r\n"),
        (Reply(.ready, nil, "mx ESMTP"), "220 mx ESMTP\r\n"),
        (Reply(.ok, nil, lines: ["a", "B", "c"]), "250-a\r\n250-B\r\n250 c\r\n"),
        (Reply(.help, .success, lines: ["a", "b"]), "214-2.0.0 a\r\n214 2.0.0 b\r\n"),
        (Reply(.ok, nil, lines: []), "250 \r\n"),
        (Reply(.ok, nil, "a\r\n250 b\0ü"), "250 a??250 b???\r\n"),
    ])
    func bytes(reply: Reply, text: String) {
        #expect(String(decoding: reply.bytes, as: UTF8.self) == text)
    }

    @Test func length() {
        let reply = Reply(.ok, .success, String(repeating: "x", count: 1000))
        #expect(reply.bytes.count == 512)
        #expect(reply.bytes.suffix(2) == [13, 10])
    }

    @Test func codes() {
        #expect(ReplyCode(rawValue: 199) == nil && ReplyCode(rawValue: 600) == nil)
        #expect(ReplyCode.ok.isPositive && !ReplyCode.startMail.isPositive)
        #expect(ReplyCode.startMail.isIntermediate && ReplyCode.localError.isTemporary)
        #expect(ReplyCode.rejected.isPermanent && !ReplyCode.localError.isPermanent)
        #expect(ReplyCode.serviceUnavailable.endsSession && ReplyCode.closing.endsSession)
        #expect(!ReplyCode.failed.endsSession)
    }
}
