// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Testing

@testable import relayd

@Suite struct ReportComposerTests {
    static func report(
        _ kind: Report.Kind = .failure, text: String = "550 5.1.1 no <such> user",
        subject: String = "<b>Hello</b> $TITLE"
    ) throws -> Report {
        let result: Outcome.Result = kind == .failure ? .permanent : .accepted
        let record = DeliveryRecord(
            Outcome(result, .unknownMailbox, at: .recipient, text, isRemote: true),
            host: "mx.y.test [192.0.2.2]:25")
        var original = ReturnedMessage()
        original.receive("Subject: \(subject)\r\nX-Note: $REASON & <i>\r\n\r\nbody\r\n".utf8)
        original.end()
        return Report(
            kind, id: QueueID(microseconds: 1_700_000_200_000_000, random: 9), time: 1_700_000_200,
            host: "mail.x.test",
            from: MailAddress(.mailerDaemon, at: try #require(Domain("x.test"))),
            to: try #require(MailAddress("a@x.test")),
            originalID: QueueID(microseconds: 1_700_000_000_000_000, random: 7),
            recipients: [
                ReportedRecipient(
                    Recipient(try #require(MailAddress("b@y.test"))),
                    kind == .failure ? .failed : .delivered, .unknownMailbox, record: record)
            ], original: original, form: .headers)
    }

    /// Header, and the decoded HTML.
    static func parts(
        _ template: String?, _ report: Report, group: String = "g"
    ) throws -> (header: [String], html: String) {
        let templates = template.map { ["g": ReportTemplate($0)] } ?? [:]
        let octets = ReportComposer(templates: templates).opening(of: report, group: group)
        let text = String(decoding: octets, as: UTF8.self)
        let end = try #require(text.firstRange(of: "\r\n\r\n"))
        let html = try #require(text.firstRange(of: "text/html"))
        let start = try #require(text[html.upperBound...].firstRange(of: "\r\n\r\n"))
        let stop = try #require(text[start.upperBound...].firstRange(of: "\r\n--=_"))
        var decoded: [UInt8] = []
        var rest = Array(text[start.upperBound..<stop.lowerBound].utf8)[...]
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "=") else {
                decoded.append(octet)
                continue
            }
            let code = rest.prefix(2)
            rest = rest.dropFirst(2)
            if code.elementsEqual([0x0D, 0x0A]) { continue }
            decoded.append(
                try #require(UInt8(String(decoding: code, as: UTF8.self), radix: 16)))
        }
        let header = text[..<end.lowerBound].split(separator: "\r\n").map(String.init)
        if decoded.last == 0x0A { decoded.removeLast() }
        if decoded.last == 0x0D { decoded.removeLast() }
        return (header, String(decoding: decoded, as: UTF8.self))
    }

    @Test func everyVariableHasAValueAndIsEscaped() throws {
        let names = ReportTemplate.Variable.allCases.map { "\($0.rawValue)=$\($0.rawValue);" }
        let (_, html) = try Self.parts(names.joined(separator: "\n"), Self.report())
        for name in ReportTemplate.Variable.allCases {
            #expect(html.contains("\(name.rawValue)="))
            #expect(!html.contains("\(name.rawValue)=;"), "\(name) is empty")
        }
        #expect(html.contains("SUBJECT=&lt;b&gt;Hello&lt;/b&gt; $TITLE;"))
        #expect(html.contains("X-Note: $REASON &amp; &lt;i&gt;"))
        #expect(html.contains("TITLE=Delivery report: failed;"))
        #expect(html.contains("<td>b@y.test</td>"))
        #expect(html.contains("no &lt;such&gt; user"))
        #expect(!html.contains("<such>") && !html.contains("<i>"))
        #expect(html.contains("RECIPIENT=b@y.test;") && html.contains("MAIL_TO=a@x.test;"))
        #expect(html.contains("USERGROUP_DOMAIN=x.test;"))
    }

    @Test func theOperatorsFieldsStayAndOthersAreOurs() throws {
        let template = """
            From: Post Office <office@x.test>
            To: <somebody.else@z.test>
            Subject: [x] $TITLE
            Reply-To: help@x.test
            X-Folded: one
             two
            Message-ID: <fixed@x.test>
            Content-Type: text/html
            Bcc: spy@z.test

            <p>$REASON</p>
            """
        let (header, html) = try Self.parts(template, Self.report())
        for field in [
            "From: Post Office <office@x.test>", "Subject: [x] Delivery report: failed",
            "Reply-To: help@x.test", "X-Folded: one two", "To: <a@x.test>",
        ] {
            #expect(header.filter { $0 == field }.count == 1, "\(field) in \(header)")
        }
        for field in ["somebody", "fixed", "spy", "text/html"] {
            #expect(!header.contains { $0.contains(field) })
        }
        #expect(html.hasPrefix("<p>Your message could not be delivered"))
    }

    @Test(arguments: [
        "From: two@x.test, three@x.test\n\nx", "From: nobody\n\nx", "From: Jörg <j@x.test>\n\nx",
        "x", "Subject: only\n\nx", "$TITLE: x\n\nx",
    ])
    func aFieldThatIsNoneIsMade(template: String) throws {
        let (header, _) = try Self.parts(template, Self.report())
        #expect(header.contains("From: Mail Delivery System <MAILER-DAEMON@x.test>"))
        #expect(header.filter { $0.hasPrefix("From:") }.count == 1)
        #expect(header.filter { $0.hasPrefix("Subject:") }.count == 1)
    }

    @Test func valuesCannotMakeFields() throws {
        let template = "X-What: $SUBJECT\nX-Why: $DETAIL\n\nx"
        let report = try Self.report(
            text: "a\r\nBcc: x@z.test", subject: "=?utf-8?q?a=0D=0ABcc:_y?=")
        let (header, _) = try Self.parts(template, report)
        #expect(!header.contains { $0.hasPrefix("Bcc") })
    }

    /// The Python program put good news into its "Mail Delivery Failed" template (fault 20).
    @Test func goodNewsDoNotSpeakOfFailure() throws {
        let old = "Subject: $TITLE\n\n<h1>Mail Delivery Failed</h1><p>$REASON</p>"
        for kind in [Report.Kind.success, .delay] {
            let (header, html) = try Self.parts(old, Self.report(kind))
            #expect(!html.lowercased().contains("fail"))
            #expect(!header.contains { $0.lowercased().contains("fail") })
        }
        let (_, html) = try Self.parts(old, Self.report(.failure))
        #expect(html.contains("Mail Delivery Failed"))
        // A neutral one is used for all.
        let (_, neutral) = try Self.parts("<h1>Post: $TITLE</h1>", Self.report(.success))
        #expect(neutral == "<h1>Post: Delivery report: succeeded</h1>")
    }

    @Test func groupsHaveTheirOwnTemplates() throws {
        let (_, html) = try Self.parts("own", Self.report(), group: "g")
        #expect(html == "own")
        let (_, other) = try Self.parts("own", Self.report(), group: "other")
        #expect(other.contains("<h2"))
        let (_, builtIn) = try Self.parts(nil, Self.report())
        #expect(builtIn == other && builtIn.contains("This is about your message"))
    }
}
