// SPDX-License-Identifier: Apache-2.0
import Mail
@testable import SMTP
import Testing

@Suite struct ServerSessionTests {
    /// A session that has said its greeting and heard EHLO and whatever is given.
    private func subject(
        _ input: String = "", tls: TLSParameters? = nil,
        settings change: (inout ServerSettings) -> Void = { _ in }
    ) -> Subject {
        var subject = Subject()
        change(&subject.settings)
        subject.tls = tls
        subject.session = ServerSession(settings: subject.settings, tls: tls)
        _ = subject.output()
        subject.receive(Array("EHLO client.example\r\n\(input)".utf8))
        _ = subject.output()
        return subject
    }

    private let opening = "MAIL FROM:<a@example.org>\r\nRCPT TO:<tim@example.test>\r\n"

    @Test func envelopeHasAllThatWasSaid() throws {
        let subject = subject(
            """
            MAIL FROM:<ä@example.org> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=x+20y\r
            RCPT TO:<tim@example.test> NOTIFY=NEVER\r
            RCPT TO:<Tim@Example.test>\r
            RCPT TO:<user1@example.test> ORCPT=rfc822;u\r
            RCPT TO:<tim@EXAMPLE.test>\r
            RCPT TO:<nobody@example.test>\r
            DATA\r
            .\r

            """)
        let envelope = try #require(subject.envelopes.first)
        let sender = try #require(MailAddress("ä@example.org"))
        #expect(envelope.sender == .address(sender))
        #expect(envelope.isInternational && envelope.body == .eightBit)
        #expect(envelope.returnContent == .headers && envelope.identifier?.text == "x y")
        #expect(envelope.login == nil)
        // A recipient given twice is one; `Tim` may be somebody else, and is unknown here.
        let names = envelope.recipients.map { $0.address.localPart.text }
        #expect(names == ["tim", "user1"])
        #expect(envelope.recipients.first?.notify == .never)
        #expect(envelope.recipients.last?.original?.parameter == "rfc822;u")
    }

    @Test func postmasterIsOfTheServersDomain() throws {
        let subject = subject("MAIL FROM:<>\r\nRCPT TO:<POSTMASTER>\r\nDATA\r\n.\r\n")
        let envelope = try #require(subject.envelopes.first)
        #expect(envelope.sender == .null)
        #expect(envelope.recipients.map(\.address.description) == ["postmaster@example.test"])
    }

    /// Trace fields shall stand first in the file, and From be judged before anything is written.
    @Test func nothingIsAppendedBeforeTheHeaderIsWhole() {
        var session = subject("\(opening)DATA\r\n").session
        session.receive(Array("From: a@example.org\r\nSubject: x\r\n".utf8).span)
        #expect(session.next() == .wait(.dataBlock))
        session.receive(Array("\r".utf8).span)
        #expect(session.next() == .wait(.dataBlock))
        session.receive(Array("\nbody\r\n.\r\n".utf8).span)
        guard case .begin(_, let facts) = session.next() else {
            Issue.record("not begun")
            return
        }
        #expect(facts.length == 35 && facts.fromCount == 1)
        // Asked again until it is answered.
        guard case .begin = session.next() else {
            Issue.record("not asked again")
            return
        }
        session.answer(Verdict.accepted)
        let message = Array("From: a@example.org\r\nSubject: x\r\n\r\nbody\r\n".utf8)
        #expect(session.next() == .append(message))
        var content = ContentFacts()
        content.octets = message.count
        content.longestLine = 19
        #expect(session.next() == .commit(content))
        #expect(session.next() == .commit(content))
        session.answer(queued: "x")
        #expect(session.next() == .send(ServerReplies.queued("x")))
        #expect(session.next() == .wait(.command))
    }

    @Test func bigMessagesComeInBlocks() {
        var subject = subject("\(opening)DATA\r\n") { $0.maxMessageSize = 1 << 20 }
        let line = Array(("." + String(repeating: "x", count: 70) + "\r\n").utf8)
        var sent: [UInt8] = Array("\r\n".utf8)
        subject.receive(sent)
        var wire: [UInt8] = []
        for _ in 0..<10_000 {
            wire += [46] + line
            sent += line
        }
        for start in stride(from: 0, to: wire.count, by: 5000) {
            subject.receive(Array(wire[start..<min(start + 5000, wire.count)]))
            _ = subject.output()
            // What is not yet handed out is bounded.
            #expect(subject.session.content?.block.count ?? 0 < Content.blockSize)
        }
        subject.receive(Array(".\r\n".utf8))
        _ = subject.output()
        #expect(subject.stored == [sent])
    }

    @Test func tooBigIsNoticedWhileItComes() {
        var subject = subject("\(opening)DATA\r\n\r\n") { $0.maxMessageSize = 100_000 }
        let block = Array(String(repeating: "0123456789abcdef\r\n", count: 1000).utf8)
        for _ in 0..<5 {
            subject.receive(block)
            _ = subject.output()
        }
        #expect(subject.draft != nil)
        subject.receive(block)
        _ = subject.output()
        #expect(subject.draft == nil)
        for _ in 0..<50 {
            subject.receive(block)
            #expect(subject.output().isEmpty)
            #expect(subject.session.content?.block.isEmpty == true)
        }
        subject.receive(Array(".\r\n".utf8))
        #expect(String(decoding: subject.output(), as: UTF8.self).hasPrefix("552 5.3.4"))
        #expect(subject.session.isIdle && subject.stored.isEmpty)
    }

    @Test func endlessHeaderIsNotKept() {
        var subject = subject("\(opening)DATA\r\n") {
            $0.maxMessageSize = 1 << 30
            $0.maxHeaderSize = 100_000
        }
        let block = Array(String(repeating: "Field: 9abcdef\r\n", count: 1000).utf8)
        for _ in 0..<100 {
            subject.receive(block)
            _ = subject.output()
            #expect(subject.session.content?.block.count ?? 0 <= 100_000)
        }
        subject.receive(Array("\r\n.\r\n".utf8))
        #expect(String(decoding: subject.output(), as: UTF8.self).hasPrefix("552 5.3.4 Header"))
    }

    @Test func thousandsOfChunksOfOneOctet() {
        let message = Array("Subject: x\r\n\r\n".utf8) + [UInt8](repeating: 120, count: 9000)
        var subject = subject(opening) { $0.maxCommandErrors = 0 }
        for byte in message { subject.receive(Array("BDAT 1\r\n".utf8) + [byte]) }
        subject.receive(Array("BDAT 0 LAST\r\n".utf8))
        _ = subject.output()
        #expect(subject.stored == [message + [13, 10]])
        #expect(subject.session.commandErrors == 0)
    }

    @Test func inputBehindStartTLSEndsTheSession() {
        var subject = subject { $0.offersTLS = true }
        subject.receive(Array("STARTTLS\r\nMAIL FROM:<evil@example.org>\r\n".utf8))
        let said = String(decoding: subject.output(), as: UTF8.self)
        #expect(said == "421 4.7.0 Input between STARTTLS and TLS; closing\r\n(closed)\r\n")
    }

    @Test func tlsForgetsWhatWasSaidInPlain() {
        var session = subject { $0.offersTLS = true }.session
        session.receive(Array("STARTTLS\r\n".utf8).span)
        #expect(session.next() == .send(ServerReplies.startTLS))
        #expect(session.next() == .startTLS)
        // Should the conversation have read on, it does not count.
        session.receive(Array("NOOP\r\n".utf8).span)
        session.tlsStarted(Subject.encryption)
        #expect(session.clientName == nil && session.tls == Subject.encryption)
        #expect(session.next() == .wait(.greeting))
    }

    @Test func patience() {
        var session = ServerSession(settings: Subject().settings, tls: Subject.encryption)
        #expect(session.next() == .ask(.client))
        #expect(session.next() == .ask(.client))
        session.answer(Verdict.accepted)
        #expect(session.next() == .send(ServerReplies.greeting("mx.example.test")))
        #expect(session.next() == .wait(.greeting))
        var subject = subject(tls: Subject.encryption) { $0.authentication = .optional }
        #expect(subject.session.next() == .wait(.command))
        subject.receive(Array("AUTH LOGIN\r\n".utf8))
        _ = subject.output()
        #expect(subject.session.next() == .wait(.login))
        subject.receive(Array("*\r\n\(opening)BDAT 3\r\nx".utf8))
        _ = subject.output()
        #expect(subject.session.next() == .wait(.dataBlock))
        #expect(!subject.session.isIdle)
        subject.receive(Array("\r\n".utf8))
        _ = subject.output()
        #expect(subject.session.next() == .wait(.command))
    }

    @Test func transmissionTypes() {
        var plain = subject { $0.offersTLS = true }
        #expect(plain.session.transmissionType == "ESMTP")
        plain.receive(Array("HELO c\r\n".utf8))
        _ = plain.output()
        #expect(plain.session.transmissionType == "SMTP")
        var secure = subject(tls: Subject.encryption) { $0.authentication = .optional }
        #expect(secure.session.transmissionType == "ESMTPS")
        secure.receive(Array("AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n".utf8))
        _ = secure.output()
        #expect(secure.session.transmissionType == "ESMTPSA")
        #expect(secure.session.login == "tim")
        secure.receive(Array("MAIL FROM:<tim@example.test> SMTPUTF8\r\n".utf8))
        _ = secure.output()
        #expect(secure.session.transmissionType == "UTF8SMTPSA")
    }

    @Test func factsOfTheContent() {
        var subject = subject("\(opening)DATA\r\n\r\n")
        subject.receive([120, 0, 200, 13, 10] + Array("1234\r\n.\r\n".utf8))
        _ = subject.output()
        var facts = ContentFacts()
        facts.octets = 13
        facts.longestLine = 4
        facts.has8Bit = true
        facts.hasNUL = true
        #expect(subject.contents == [facts])
    }

    @Test func draftThatFailsIsDrainedAndNotDiscarded() {
        var subject = subject("\(opening)DATA\r\n\r\n") { $0.maxMessageSize = 1 << 20 }
        subject.answers["append"] = ServerReplies.storageFull
        let block = Array(String(repeating: "0123456789abcdef\r\n", count: 2000).utf8)
        subject.receive(block)
        subject.showsDiscards = true
        #expect(subject.output().isEmpty)
        subject.receive(block + Array("\r\n.\r\nNOOP\r\n".utf8))
        let said = String(decoding: subject.output(), as: UTF8.self)
        #expect(said.hasPrefix("452 4.3.1 ") && said.hasSuffix("250 2.0.0 Fine\r\n"))
    }

    /// Where all sessions together hold too much, those give up that hold much of a header.
    @Test func headerCanBeGivenUp() {
        var subject = subject("\(opening)DATA\r\n")
        #expect(subject.session.envelopeUnderWay?.recipients.count == 1)
        subject.receive(Array("Subject: x\r\nX-More: yyy".utf8))
        _ = subject.output()
        #expect(subject.session.heldOctets == 23)
        subject.session.fail(ServerReplies.storageFull)
        #expect(subject.session.heldOctets == 0)
        subject.receive(Array("yyy\r\n\r\nbody\r\n.\r\nNOOP\r\n".utf8))
        let said = String(decoding: subject.output(), as: UTF8.self)
        #expect(said.hasPrefix("452 4.3.1 ") && said.hasSuffix("250 2.0.0 Fine\r\n"))
        #expect(subject.session.envelopeUnderWay == nil && subject.stored.isEmpty)
    }

    @Test func bodyCanBeHandedOutEarly() {
        var subject = subject("\(opening)DATA\r\n\r\n")
        subject.receive(Array("some text".utf8))
        _ = subject.output()
        #expect(subject.session.heldOctets == 11 && subject.draft == [])
        subject.session.handOut()
        _ = subject.output()
        #expect(subject.session.heldOctets == 0)
        #expect(subject.draft == Array("\r\nsome text".utf8))
        subject.receive(Array(" more".utf8))
        _ = subject.output()
        #expect(subject.session.heldOctets == 5)
        subject.receive(Array("\r\n.\r\n".utf8))
        _ = subject.output()
        #expect(subject.stored == [Array("\r\nsome text more\r\n".utf8)])
    }

    /// Naming a known recipient again and again buys no patience with unknown ones.
    @Test func repeatedRecipientsEarnNothing() {
        var subject = subject("MAIL FROM:<a@example.org>\r\n")
        subject.receive(
            Array(String(repeating: "RCPT TO:<tim@example.test>\r\n", count: 500).utf8))
        _ = subject.output()
        subject.receive(Array(String(repeating: "RCPT TO:<x@example.test>\r\n", count: 200).utf8))
        #expect(String(decoding: subject.output(), as: UTF8.self).hasSuffix("(closed)\r\n"))
    }

    @Test func nothingIsTakenAfterTheEnd() {
        var subject = subject("QUIT\r\n\(opening)")
        #expect(subject.isClosed)
        #expect(subject.session.next() == .close)
        subject.session.receive(Array("NOOP\r\n".utf8).span)
        #expect(subject.session.next() == .close)
        subject.session.end(.timedOut)
        #expect(subject.session.next() == .close)
    }

    /// Questions about logins are values that end up in logs and test failures.
    @Test func questionsShowNoPassword() {
        var session = subject(tls: Subject.encryption) { $0.authentication = .optional }.session
        session.receive(Array("AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n".utf8).span)
        let step = session.next()
        var dumped = ""
        dump(step, to: &dumped)
        for text in ["\(step)", String(reflecting: step), dumped] {
            #expect(text.contains("tim") && !text.contains("tanstaaf"))
        }
    }
}
