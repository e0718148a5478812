// SPDX-License-Identifier: Apache-2.0
import SMTP
import Testing

struct PeerExtensionsTests {
    @Test func readsWhatServersOffer() {
        let reply = PeerReply(
            code: 250,
            lines: [
                "mx.example hello SIZE", "PIPELINING", "8bitmime", "SIZE 1000", "STARTTLS", "DSN",
                "AUTH PLAIN login", "AUTH=CRAM-MD5", "SMTPUTF8", "ENHANCEDSTATUSCODES",
                "LIMITS RCPTMAX=20 MAILMAX=5 NEW=x", "X-UNKNOWN 1", "",
            ])
        let extensions = PeerExtensions(reply: reply)
        #expect(extensions.pipelining && extensions.eightBitMIME && extensions.smtpUTF8)
        #expect(extensions.startTLS && extensions.dsn && extensions.enhancedStatusCodes)
        #expect(extensions.size && extensions.sizeLimit == 1000)
        #expect(extensions.authentication == ["PLAIN", "LOGIN", "CRAM-MD5"])
        #expect(extensions.recipientLimit == 20 && extensions.messageLimit == 5)
    }

    @Test(arguments: ["SIZE", "SIZE 0", "SIZE many", "SIZE 99999999999999999999"])
    func sizeWithoutLimit(_ line: String) {
        let extensions = PeerExtensions(reply: PeerReply(code: 250, lines: ["mx", line]))
        #expect(extensions.size && extensions.sizeLimit == nil)
    }

    @Test func firstLineIsNoKeyword() {
        #expect(PeerExtensions(reply: PeerReply(code: 250, lines: ["PIPELINING"])) == .init())
    }
}
