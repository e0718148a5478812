// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct RemoteCauseTests {
    static let gmail = "gmail-smtp-in.l.google.com [192.0.2.1]:25"
    static let outlook = "example-org.mail.protection.outlook.com [192.0.2.2]:25"
    static let yahoo = "mta7.am0.yahoodns.net [192.0.2.3]:25"
    static let other = "mx.example.org [192.0.2.4]:25"

    /// Host, reply, enhanced code, and what the explanation must speak of; nothing when there must be none.
    static let table: [(host: String, text: String, status: String, words: [String])] = [
        (
            gmail, "550-5.7.25 The IP address sending this message does not have a PTR record",
            "5.7.25", ["Gmail", "PTR"]
        ),
        (
            gmail, "550-5.7.26 Your email has been blocked because the sender is unauthenticated.",
            "5.7.26", ["Gmail", "SPF", "DKIM"]
        ),
        (gmail, "421-4.7.27 Your email has been rate limited", "4.7.27", ["Gmail", "SPF", "TXT"]),
        (gmail, "550-5.7.29 not sent over a TLS connection", "5.7.29", ["TLS", "starttlsEnable"]),
        (gmail, "421-4.7.29 not sent over a TLS connection", "4.7.29", ["TLS"]),
        (gmail, "421-4.7.30 DKIM", "4.7.30", ["DKIM"]),
        (gmail, "421-4.7.31 no DMARC", "4.7.31", ["_dmarc."]),
        (gmail, "421-4.7.32 alignment", "4.7.32", ["From"]),
        (
            gmail, "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail", "4.7.28",
            ["too much"]
        ),
        (
            gmail, "450-4.2.1 The user you are trying to contact is receiving mail too quickly",
            "4.2.1", ["too fast"]
        ),
        (gmail, "450 4.2.1 something else", "4.2.1", []),
        (gmail, "550-5.1.1 The email account that you tried to reach does not exist", "5.1.1", []),
        (
            outlook, "550 5.7.515 Access denied, sending domain X does not meet the required level",
            "5.7.515", ["Outlook", "SPF", "DKIM", "DMARC"]
        ),
        (
            outlook, "550 5.7.606 Access denied, banned sending IP", "5.7.606",
            ["sender.office.com"]
        ),
        (
            outlook, "550 5.7.1 Unfortunately, messages from [192.0.2.9] weren't sent. (S3140)",
            "5.7.1", ["blocks"]
        ),
        (outlook, "550 5.7.1 Relaying denied", "5.7.1", []),
        (
            outlook, "451 4.7.650 The mail server has been temporarily rate limited", "4.7.650",
            ["slow"]
        ),
        (
            yahoo, "421 4.7.0 [TSS04] Messages from 192.0.2.9 temporarily deferred", "4.7.0",
            ["Yahoo", "complaints"]
        ),
        (yahoo, "554 5.7.9 Message not accepted for policy reasons", "5.7.9", ["DMARC"]),
        (
            other, "554 5.7.1 Service unavailable; blocked using zen.spamhaus.org", "5.7.1",
            ["check.spamhaus.org"]
        ),
        (other, "450 4.7.1 Client host rejected: cannot find your reverse DNS", "4.7.1", ["PTR"]),
        (other, "550 5.7.23 SPF check failed", "5.7.23", ["SPF"]),
        (other, "450 4.2.0 Greylisted, try again", "4.2.0", ["greylisting"]),
        (other, "550 5.7.515 made up", "5.7.515", []),
        ("notgoogle.com [192.0.2.5]:25", "421 4.7.28 x", "4.7.28", []),
        ("", "550 5.7.27 x", "5.7.27", []),
    ]

    @Test(arguments: table)
    func explains(host: String, text: String, status: String, words: [String]) throws {
        let status = try #require(EnhancedStatus(status))
        let outcome = Outcome(
            status.isTemporary ? .temporary : .permanent, status, at: .data, text, isRemote: true)
        let cause = RemoteCause.of(outcome, host: host)
        #expect(cause.isEmpty == words.isEmpty, "\(cause)")
        for word in words { #expect(cause.contains(word), "\(cause)") }
        #expect(cause.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }

    @Test func onlyRefusalsOfOthersHaveOne() throws {
        let status = try #require(EnhancedStatus("5.7.25"))
        let own = Outcome(.permanent, status, at: .routing, "spamhaus")
        #expect(RemoteCause.of(own, host: Self.gmail).isEmpty)
        let success = Outcome(.accepted, .success, at: .endOfData, "spamhaus", isRemote: true)
        #expect(RemoteCause.of(success, host: Self.gmail).isEmpty)
    }
}
