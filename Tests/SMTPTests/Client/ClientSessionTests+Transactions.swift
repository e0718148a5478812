// SPDX-License-Identifier: Apache-2.0
import SMTP

/// Transactions with servers that keep to the rules.
extension ClientSessionTests {
    static let plain = ClientSettings(name: "us.test", encryption: .none)
    static let opening = """
        S: 220 mx
        C: EHLO us.test
        S: 250 mx
        READY

        """
    static let pipelined = """
        S: 220 mx
        C: EHLO us.test
        S: 250-mx
        S: 250 PIPELINING
        READY

        """
    static let batch = """
        C: MAIL FROM:<a@x.test>
        C: RCPT TO:<r1@y.test>
        C: RCPT TO:<r2@y.test>
        C: DATA

        """

    static let dialogues: [Dialogue] = [
        Dialogue(
            title: "two messages, one connection, command by command", settings: plain,
            messages: [message(), message(2)],
            script: opening + """
                C: MAIL FROM:<a@x.test>
                S: 250 ok
                C: RCPT TO:<r1@y.test>
                S: 250 ok
                C: DATA
                S: 354 go
                CONTENT
                C: .
                S: 250 2.0.0 queued
                OUT accepted 2.0.0 endOfData
                READY
                C: MAIL FROM:<a@x.test>
                S: 250 ok
                C: RCPT TO:<r1@y.test>
                S: 550 5.1.1 no
                C: RCPT TO:<r2@y.test>
                S: 251 forwarded
                C: DATA
                S: 354 go
                CONTENT
                C: .
                S: 451 4.3.0 later
                OUT permanent 5.1.1 recipient
                OUT temporary 4.3.0 endOfData
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "one rejected", settings: plain, messages: [message(2)],
            script: pipelined + batch + """
                S: 250 ok
                S: 550 5.1.1 no
                S: 250 ok
                S: 354 go
                CONTENT
                C: .
                S: 250 2.6.0 ok
                OUT permanent 5.1.1 recipient
                OUT accepted 2.6.0 endOfData
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "all rejected, and DATA", settings: plain, messages: [message(2)],
            script: pipelined + batch + """
                S: 250 ok
                S: 550 5.1.1 no
                S: 450 4.2.1 later
                S: 503 5.5.1 no recipients
                OUT permanent 5.1.1 recipient
                OUT temporary 4.2.1 recipient
                C: RSET
                S: 250 ok
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "all rejected, but DATA opened", settings: plain, messages: [message(2)],
            script: pipelined + batch + """
                S: 250 ok
                S: 550 5.1.1 no
                S: 550 5.1.1 no
                S: 354 go
                C: .
                S: 554 5.5.1 no recipients
                OUT permanent 5.1.1 recipient
                OUT permanent 5.1.1 recipient
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "MAIL rejected in a pipeline", settings: plain, messages: [message(2)],
            script: pipelined + batch + """
                S: 550 5.7.1 not you
                S: 503 5.5.1 MAIL first
                S: 503 5.5.1 MAIL first
                S: 503 5.5.1 MAIL first
                OUT permanent 5.7.1 mail
                OUT permanent 5.7.1 mail
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "MAIL rejected, command by command", settings: plain, messages: [message(2)],
            script: opening + """
                C: MAIL FROM:<a@x.test>
                S: 451 4.7.1 greylisted
                OUT temporary 4.7.1 mail
                OUT temporary 4.7.1 mail
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "all rejected, command by command", settings: plain, messages: [message()],
            script: opening + """
                C: MAIL FROM:<a@x.test>
                S: 250 ok
                C: RCPT TO:<r1@y.test>
                S: 550 5.1.1 no
                OUT permanent 5.1.1 recipient
                C: RSET
                S: 250 ok
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "DATA rejected", settings: plain, messages: [message(2)],
            script: pipelined + batch + """
                S: 250 ok
                S: 250 ok
                S: 550 5.1.1 no
                S: 451 4.3.5 later
                OUT temporary 4.3.5 data
                OUT permanent 5.1.1 recipient
                C: RSET
                S: 250 ok
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "too large, known before", settings: plain,
            messages: [message(2, size: 1001), message(1, size: 1000)],
            script: """
                S: 220 mx
                C: EHLO us.test
                S: 250-mx
                S: 250 SIZE 1000
                READY
                OUT permanent 5.3.4 mail
                OUT permanent 5.3.4 mail
                READY
                C: MAIL FROM:<a@x.test> SIZE=1000
                S: 552 5.2.2 mailbox full
                OUT permanent 5.2.2 mail
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "8-bit and UTF-8 where they are not known", settings: plain,
            messages: [
                ClientTransaction(
                    sender: "a", recipients: [.init("b")], size: 1, isEightBit: true),
                ClientTransaction(sender: "a", recipients: [.init("b")], size: 1, needsUTF8: true),
            ],
            script: opening + """
                OUT permanent 5.6.3 mail
                READY
                OUT permanent 5.6.7 mail
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
    ]
}
