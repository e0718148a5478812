// SPDX-License-Identifier: Apache-2.0
import SMTP

/// Greeting, EHLO, STARTTLS.
extension ClientSessionTests {
    static let required = ClientSettings(name: "us.test", encryption: .required)

    static let openings: [Dialogue] = [
        Dialogue(
            title: "STARTTLS, and EHLO again", messages: [],
            script: """
                S: 220-mx
                S: 220 ready
                C: EHLO us.test
                S: 250-mx
                S: 250-PIPELINING
                S: 250 STARTTLS
                C: STARTTLS
                S: 220 go
                TLS
                C: EHLO us.test
                S: 250 mx
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "bytes after the answer to STARTTLS",
            script: """
                S: 220 mx
                C: EHLO us.test
                S: 250-mx
                S: 250 STARTTLS
                C: STARTTLS
                S: 220 go
                S: 250 injected
                CLOSE 4.7.5 tls
                """),
        Dialogue(
            title: "STARTTLS refused, opportunistic", messages: [],
            script: """
                S: 220 mx
                C: EHLO us.test
                S: 250-mx
                S: 250 STARTTLS
                C: STARTTLS
                S: 454 4.7.0 not now
                READY
                C: QUIT
                END
                CLOSE
                """),
        Dialogue(
            title: "STARTTLS refused, required", settings: required,
            script: """
                S: 220 mx
                C: EHLO us.test
                S: 250-mx
                S: 250 STARTTLS
                C: STARTTLS
                S: 502 5.5.1 what
                CLOSE 4.5.1 tls
                """),
        Dialogue(
            title: "STARTTLS not offered, required", settings: required,
            script: """
                S: 220 mx
                C: EHLO us.test
                S: 250 mx
                CLOSE 4.7.4 tls
                """),
        Dialogue(
            title: "an old server", messages: [],
            script: """
                S: 220 mx
                C: EHLO us.test
                S: 500 what
                C: HELO us.test
                S: 250 mx
                READY
                C: QUIT
                S: 221 bye
                CLOSE
                """),
        Dialogue(
            title: "a server that wants neither EHLO nor HELO",
            script: """
                S: 220 mx
                C: EHLO us.test
                S: 502 no
                C: HELO us.test
                S: 550 5.7.1 bad name
                CLOSE 4.7.1 hello
                """),
        Dialogue(
            title: "EHLO refused for now",
            script: """
                S: 220 mx
                C: EHLO us.test
                S: 451 4.3.0 later
                CLOSE 4.3.0 hello
                """),
        Dialogue(
            title: "no service, perhaps for us only",
            script: """
                S: 554 5.7.1 blocked
                CLOSE 4.7.1 greeting
                """),
        Dialogue(
            title: "a host that never takes mail",
            script: """
                S: 521 5.3.2 no mail
                CLOSE 5.3.2 greeting
                """),
        Dialogue(
            title: "busy",
            script: """
                S: 421 4.3.2 busy
                CLOSE 4.3.2 greeting
                """),
        Dialogue(
            title: "ended before the greeting",
            script: """
                END
                CLOSE 4.4.2 greeting
                """),
        Dialogue(
            title: "ended after STARTTLS", settings: required,
            script: """
                S: 220 mx
                C: EHLO us.test
                S: 250-mx
                S: 250 STARTTLS
                C: STARTTLS
                END
                CLOSE 4.7.5 tls
                """),
    ]
}
