// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct ReportTests {
    static let original = ReturnedMessageTests.message(
        "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\nMessage-ID: <1@x.test>\r\n\r\nbody\r\n")

    static func reported(
        _ address: String, _ action: ReportedRecipient.Action = .failed, status: String = "5.1.1",
        text: String = "550 5.1.1 no such user", original: String? = nil
    ) throws -> ReportedRecipient {
        let status = try #require(EnhancedStatus(status))
        let result: Outcome.Result =
            switch action {
            case .failed: .permanent
            case .delayed: .temporary
            default: .accepted
            }
        return ReportedRecipient(
            Recipient(
                try #require(MailAddress(address)),
                original: original.flatMap { OriginalRecipient(parameter: Array($0.utf8)[...]) }),
            action, status,
            record: DeliveryRecord(
                Outcome(result, status, at: .recipient, text, isRemote: true),
                host: "mx.y.test [192.0.2.2]:25"),
            lastAttempt: 1_700_000_100, willRetryUntil: action == .delayed ? 1_700_400_000 : nil)
    }

    static func report(
        _ recipients: [ReportedRecipient], kind: Report.Kind = .failure, to: String = "a@x.test",
        form: ReturnedForm = .headers
    ) throws -> Report {
        Report(
            kind, id: QueueID(microseconds: 1_700_000_200_000_000, random: 9), time: 1_700_000_200,
            host: "mail.x.test",
            from: MailAddress(.mailerDaemon, at: try #require(Domain("x.test"))),
            to: try #require(MailAddress(to)),
            originalID: QueueID(microseconds: 1_700_000_000_000_000, random: 7),
            envelopeID: XText("e=1 +"), recipients: recipients, original: original, form: form)
    }

    @Test func statusFields() throws {
        let report = try Self.report([
            Self.reported("b@y.test", original: "rfc822;q+2Bz@y.test"),
            Self.reported(
                "c@y.test", .delayed, status: "4.2.1", text: "450 4.2.1 later\r\nand\u{7}again"),
        ])
        #expect(
            DeliveryStatus.text(of: report, isInternational: false) == """
                Original-Envelope-Id: e=1 +\r
                Reporting-MTA: dns; mail.x.test\r
                X-wMailServer-Queue-ID: \(report.originalID)\r
                Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\r
                \r
                Original-Recipient: rfc822; q+z@y.test\r
                Final-Recipient: rfc822; b@y.test\r
                Action: failed\r
                Status: 5.1.1\r
                Remote-MTA: dns; mx.y.test\r
                Diagnostic-Code: smtp; 550 5.1.1 no such user\r
                Last-Attempt-Date: Tue, 14 Nov 2023 22:15:00 +0000\r
                \r
                Final-Recipient: rfc822; c@y.test\r
                Action: delayed\r
                Status: 4.2.1\r
                Remote-MTA: dns; mx.y.test\r
                Diagnostic-Code: smtp; 450 4.2.1 later and again\r
                Last-Attempt-Date: Tue, 14 Nov 2023 22:15:00 +0000\r
                Will-Retry-Until: Sun, 19 Nov 2023 13:20:00 +0000\r

                """)
    }

    @Test func whatWasNotSaidByAServerIsNoSMTPCode() throws {
        var reported = try Self.reported("b@y.test")
        reported.record = DeliveryRecord(
            Outcome(.permanent, .loop, at: .routing, "it comes back to us"))
        let text = DeliveryStatus.text(of: try Self.report([reported]), isInternational: false)
        #expect(text.contains("Diagnostic-Code: X-wMailServer; it comes back to us\r\n"))
        #expect(!text.contains("Remote-MTA"))
    }

    @Test(arguments: [
        String(repeating: "x", count: 5000), String(repeating: "word ", count: 5000),
        String(repeating: "漢字", count: 2000), "a\r\n\r\nAction: delivered", "\0\u{85}\u{2028}",
    ])
    func whateverAServerSaysStaysInItsField(text: String) throws {
        for isInternational in [false, true] {
            let report = try Self.report([Self.reported("b@y.test", text: text)])
            let status = DeliveryStatus.text(of: report, isInternational: isInternational)
            #expect(status.split(separator: "\r\n\r\n").count == 2)
            for line in status.split(separator: "\r\n", omittingEmptySubsequences: true) {
                #expect(line.utf8.count <= 998)
                #expect(isInternational || line.utf8.allSatisfy { (0x20...0x7E).contains($0) })
            }
            #expect(!status.contains("\r\nAction: delivered"))
        }
    }

    /// Every octet is ASCII, every line ends with CRLF and is short enough.
    static func expectClean(_ octets: [UInt8], _ comment: Comment) {
        var (previous, column, faults): (UInt8, Int, [Int]) = (0, 0, [])
        for (offset, octet) in octets.enumerated() {
            column = octet == 0x0A ? 0 : column + 1
            let isLineEnd = (octet == 0x0A) == (previous == 0x0D)
            if octet >= 0x80 || octet == 0 || !isLineEnd || column > 999 { faults.append(offset) }
            previous = octet
        }
        #expect(faults.isEmpty, comment)
        #expect(octets.suffix(2) == [0x0D, 0x0A], comment)
    }

    @Test(arguments: Report.Kind.allCases) func isSevenBitWhateverIsToBeTold(kind: Report.Kind)
        throws
    {
        let recipients = [
            try Self.reported("用户@例子.测试", text: "550 漢字 \u{1} x"),
            try Self.reported("b@y.test", .relayed, original: #"utf-8;\x{7528}@y.test"#),
        ]
        for form in [ReturnedForm.headers, .internationalHeaders, .internationalMessage] {
            let report = try Self.report(recipients, kind: kind, form: form)
            let words = ReportWords(report)
            var octets = report.opening(
                text: words.text + String(repeating: "long ", count: 400), html: "<p>漢字\u{0}</p>",
                header: "Subject: \(words.title)\r\n")
            octets += ReturnedContent.header(of: report.original)
            octets += report.ending
            Self.expectClean(octets, "\(form)")
            let text = String(decoding: octets, as: UTF8.self)
            #expect(text.contains("Content-Type: message/global-delivery-status\r\n"))
            #expect(text.contains("\r\nAuto-Submitted: auto-replied\r\n"))
            #expect(text.hasPrefix("Return-Path: <>\r\n"))
        }
    }

    @Test func titlesSayWhatHappened() throws {
        let all = try [
            (Report.Kind.failure, ReportedRecipient.Action.failed, "5.1.1"),
            (.delay, .delayed, "4.2.1"), (.success, .delivered, "2.1.5"),
            (.success, .relayed, "2.0.0"),
        ].map { kind, action, status in
            ReportWords(
                try Self.report(
                    [Self.reported("b@y.test", action, status: status, text: "250 ok")], kind: kind)
            )
        }
        #expect(
            all.map(\.title) == [
                "Delivery report: failed", "Delivery report: delayed",
                "Delivery report: succeeded", "Delivery report: succeeded",
            ])
        for words in all.dropFirst() {
            #expect(!words.text.lowercased().contains("fail"), "\(words.text)")
            #expect(!words.reason.lowercased().contains("fail"))
        }
        #expect(all[0].text.contains("Subject: Grüße\n"))
        #expect(all[0].text.contains("mx.y.test answered: 250 ok"))
        #expect(all[0].text.contains("The address does not exist there."))
    }

    @Test func namesManyRecipientsAndCountsTheRest() throws {
        let recipients = try (0..<250).map { try Self.reported("u\($0)@y.test") }
        let report = try Self.report(recipients)
        let words = ReportWords(report)
        #expect(words.recipients.hasSuffix("u99@y.test and 150 others"))
        #expect(words.text.contains("and 150 others."))
        let status = DeliveryStatus.text(of: report, isInternational: false)
        #expect(status.split(separator: "\r\n\r\n").count == 251)
    }
}
