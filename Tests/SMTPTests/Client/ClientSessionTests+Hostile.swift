// SPDX-License-Identifier: Apache-2.0
import SMTP

/// Servers that break the rules, and connections that break.
extension ClientSessionTests {
    private static let sent = """
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go
        CONTENT
        C: .

        """

    private static func broken(_ title: String, _ rest: String) -> Dialogue {
        Dialogue(
            title: title, settings: plain, messages: [message(2)],
            script: pipelined + batch + rest)
    }

    static let hostile: [Dialogue] = [
        broken(
            "lost after the final dot",
            sent + """
                END
                OUT temporary 4.4.2 endOfData maybe-duplicate
                OUT temporary 4.4.2 endOfData maybe-duplicate
                CLOSE 4.4.2 endOfData
                """),
        broken(
            "lost before the final dot",
            """
            S: 250 ok
            S: 250 ok
            END
            OUT temporary 4.4.2 recipient
            OUT temporary 4.4.2 recipient
            CLOSE 4.4.2 recipient
            """),
        broken(
            "421 for a recipient, after a refusal",
            """
            S: 250 ok
            S: 550 5.1.1 no
            S: 421 4.3.2 going down
            OUT permanent 5.1.1 recipient
            OUT temporary 4.3.2 recipient
            CLOSE 4.3.2 recipient
            """),
        broken(
            "421 to MAIL",
            """
            S: 421 4.7.0 too fast
            OUT temporary 4.7.0 mail
            OUT temporary 4.7.0 mail
            CLOSE 4.7.0 mail
            """),
        broken(
            "421 instead of 354",
            """
            S: 250 ok
            S: 250 ok
            S: 250 ok
            S: 421 4.3.2 going down
            OUT temporary 4.3.2 data
            OUT temporary 4.3.2 data
            CLOSE 4.3.2 data
            """),
        broken(
            "421 after the final dot is an answer",
            sent + """
                S: 421 4.3.2 going down
                OUT temporary 4.3.2 endOfData
                OUT temporary 4.3.2 endOfData
                CLOSE 4.3.2 endOfData
                """),
        broken(
            "nonsense after the final dot",
            sent + """
                S: thanks
                OUT temporary 4.5.0 endOfData maybe-duplicate
                OUT temporary 4.5.0 endOfData maybe-duplicate
                CLOSE 4.5.0 endOfData
                """),
        broken(
            "354 after the final dot",
            sent + """
                S: 354 more
                OUT temporary 4.5.0 endOfData
                OUT temporary 4.5.0 endOfData
                CLOSE 4.5.0 endOfData
                """),
        broken(
            "250 instead of 354",
            """
            S: 250 ok
            S: 250 ok
            S: 250 ok
            S: 250 ok
            OUT temporary 4.5.0 data
            OUT temporary 4.5.0 data
            CLOSE 4.5.0 data
            """),
        broken(
            "354 to MAIL, then in step again",
            """
            S: 354 what
            S: 503 5.5.1 no
            S: 503 5.5.1 no
            S: 503 5.5.1 no
            OUT temporary 4.5.0 mail
            OUT temporary 4.5.0 mail
            READY
            C: QUIT
            S: 221 bye
            CLOSE
            """),
        broken(
            "a reply of two minds",
            """
            S: 250-ok
            S: 550 no
            OUT temporary 4.5.0 mail
            OUT temporary 4.5.0 mail
            CLOSE 4.5.0 mail
            """),
        Dialogue(
            title: "RSET refused", settings: plain,
            script: opening + """
                C: MAIL FROM:<a@x.test>
                S: 250 ok
                C: RCPT TO:<r1@y.test>
                S: 550 5.1.1 no
                OUT permanent 5.1.1 recipient
                C: RSET
                S: 500 what
                CLOSE
                """),
    ]
}
