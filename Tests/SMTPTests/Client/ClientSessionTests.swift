// SPDX-License-Identifier: Apache-2.0
import Mail
import SMTP
import Testing

struct ClientSessionTests {
    static func message(_ count: Int = 1, size: Int = 100) -> ClientTransaction {
        ClientTransaction(
            sender: "a@x.test", recipients: (1...count).map { .init("r\($0)@y.test") }, size: size)
    }

    struct Dialogue: CustomTestStringConvertible, Sendable {
        let title: String
        var settings = ClientSettings(name: "us.test", encryption: .ifOffered)
        var messages = [ClientSessionTests.message()]
        let script: String

        var testDescription: String { title }
    }

    static func credentials() throws -> Credentials {
        try #require(Credentials(user: "user".utf8, password: "pass".utf8))
    }

    @Test(arguments: dialogues + openings + hostile, [1, 1_000_000])
    func follows(_ dialogue: Dialogue, _ atOnce: Int) {
        var transcript = ClientTranscript(dialogue.settings, dialogue.messages)
        #expect(transcript.play(dialogue.script, atOnce: atOnce) == dialogue.script)
    }

    @Test(arguments: [
        (true, ["PLAIN", "LOGIN"], "AUTH PLAIN AHVzZXIAcGFzcw=="), (true, ["LOGIN"], "AUTH LOGIN"),
        (true, ["CRAM-MD5"], nil), (false, ["PLAIN"], nil),
    ])
    func choosesALogin(_ isEncrypted: Bool, _ offered: [String], _ expected: String?) throws {
        let settings = ClientSettings(
            name: "us.test", encryption: .none, credentials: try Self.credentials(),
            isEncrypted: isEncrypted)
        var transcript = ClientTranscript(settings, [])
        let log = transcript.play(
            "S: 220 mx\nC:\nS: 250-mx\nS: 250 AUTH \(offered.joined(separator: " "))",
            atOnce: 1000)
        let last = log.split(separator: "\n").last.map(String.init)
        #expect(last == (expected.map { "C: \($0)" } ?? "CLOSE 4.7.0 login"))
    }

    @Test func logsInWithTwoQuestions() throws {
        let settings = ClientSettings(
            name: "us.test", encryption: .none, credentials: try Self.credentials(),
            isEncrypted: true)
        let script = """
            S: 220 mx
            C: EHLO us.test
            S: 250-mx
            S: 250 AUTH LOGIN
            C: AUTH LOGIN
            S: 334 VXNlcm5hbWU6
            C: dXNlcg==
            S: 334 UGFzc3dvcmQ6
            C: cGFzcw==
            S: 235 welcome
            READY
            C: QUIT
            S: 221 bye
            CLOSE
            """
        for count in [1, 1000] {
            var transcript = ClientTranscript(settings, [])
            #expect(transcript.play(script, atOnce: count) == script)
        }
    }

    @Test func aWrongPasswordIsTemporary() throws {
        let settings = ClientSettings(
            name: "us.test", encryption: .none, credentials: try Self.credentials(),
            isEncrypted: true)
        var transcript = ClientTranscript(settings, [])
        let log = transcript.play(
            "S: 220 mx\nC\nS: 250-mx\nS: 250 AUTH PLAIN\nC\nS: 535 5.7.8 no", atOnce: 1000)
        #expect(log.hasSuffix("CLOSE 4.7.8 login"))
    }

    @Test func passesParametersOn() {
        let message = ClientTransaction(
            sender: "",
            recipients: [
                .init("ü@y.test", notify: "SUCCESS,FAILURE", originalRecipient: "rfc822;q@y.test"),
                .init("b@y.test", notify: "NEVER\r\nRSET", originalRecipient: "rfc822; b"),
            ], size: 7, isEightBit: true, needsUTF8: true, returned: "HDRS", envelopeID: "e+2B1")
        let script = """
            S: 220 mx
            C: EHLO us.test
            S: 250-mx
            S: 250-PIPELINING
            S: 250-SIZE
            S: 250-8BITMIME
            S: 250-SMTPUTF8
            S: 250 DSN
            READY
            C: MAIL FROM:<> SIZE=7 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=e+2B1
            C: RCPT TO:<ü@y.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;q@y.test
            C: RCPT TO:<b@y.test>
            C: DATA
            """
        var transcript = ClientTranscript(
            ClientSettings(name: "us.test", encryption: .none), [message])
        #expect(transcript.play(script, atOnce: 1000) == script)
    }

    @Test func sendsNoLineEndOfAForgedPath() {
        let message = ClientTransaction(
            sender: "a@x>\r\nRSET", recipients: [.init("b@y\r\nDATA")], size: 1)
        var transcript = ClientTranscript(
            ClientSettings(name: "us.test", encryption: .none), [message])
        let log = transcript.play("S: 220 mx\nC\nS: 250 mx", atOnce: 100)
        #expect(log.hasSuffix("C: MAIL FROM:<a@x>??RSET>"))
    }
}
