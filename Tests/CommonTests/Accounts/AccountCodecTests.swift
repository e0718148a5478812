// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct AccountCodecTests {
    static let questions: [AccountQuestion] = [
        .connection(client: "192.0.2.1", service: "smtp"),
        .disconnected(client: "2001:db8::1", service: "pop3", commandErrors: 7),
        .present(client: "192.0.2.1", connections: 3),
        .login(
            group: "default", user: "admin@example.test", password: [0, 255, 10, 13, 65],
            client: "192.0.2.1", service: "submission"),
        .login(group: "", user: "", password: [], client: "", service: ""),
        .recipient(group: "default", localPart: "Jürgen Groß", domain: "müller.example"),
        .domain(group: "default", name: "example.test"),
        .sender(group: "default", user: "admin", localPart: "info", domain: "example.test"),
        .charge(group: "default", user: "admin", recipients: 100),
    ]

    static let answers: [AccountAnswer] =
        [
            .allowed, .wrongPassword, .unknown, .notReceiving, .local, .notLocal, .notAllowed,
            .limited(seconds: 1800), .unavailable,
            .account(
                AccountLogin(
                    account: AccountName(group: "default", user: "admin"),
                    permissions: [.receive, .sendOutside], address: "admin@example.test",
                    certainties: [.sendsAsItself, .isUnlimited])),
            .recipients(
                accounts: [AccountName(group: "default", user: "admin")],
                forwards: [ForwardAddress(localPart: "a b", domain: "example.net")]),
            .recipients(
                accounts: (0..<1000).map { AccountName(group: "default", user: "user\($0)") },
                forwards: []),
        ] + BlockReason.allCases.map { .blocked(seconds: 3600, reason: $0) }

    @Test(arguments: questions) func questionRoundTrip(_ question: AccountQuestion) throws {
        let datagram = try AccountCodec.encode(question, id: 0xFEDC_BA98)
        let decoded = try AccountCodec.decodeQuestion(datagram)
        #expect(decoded.id == 0xFEDC_BA98)
        #expect(decoded.question == question)
    }

    @Test(arguments: answers) func answerRoundTrip(_ answer: AccountAnswer) throws {
        let datagram = try AccountCodec.encode(answer, id: 7)
        let decoded = try AccountCodec.decodeAnswer(datagram)
        #expect(decoded.id == 7)
        #expect(decoded.answer == answer)
    }

    @Test func everyTruncationIsRefused() throws {
        for question in Self.questions {
            let datagram = try AccountCodec.encode(question, id: 1)
            for length in 0..<datagram.count {
                #expect(throws: AccountCodecError.self) {
                    try AccountCodec.decodeQuestion(datagram.prefix(length))
                }
            }
            #expect(throws: AccountCodecError.trailingBytes) {
                try AccountCodec.decodeQuestion(datagram + [0])
            }
        }
        for answer in Self.answers where answer != Self.answers[11] {
            let datagram = try AccountCodec.encode(answer, id: 1)
            for length in 0..<datagram.count {
                #expect(throws: AccountCodecError.self) {
                    try AccountCodec.decodeAnswer(datagram.prefix(length))
                }
            }
        }
    }

    @Test(
        arguments: [
            ([0, 0, 0, 1, 0], .badValue("kind")),
            ([0, 0, 0, 1, 200], .badValue("kind")),
            ([0, 0, 0, 1, 6, 0, 1, 0x0A, 0, 0], .badValue("group")),
            ([0, 0, 0, 1, 6, 0, 1, 0x7F, 0, 0], .badValue("group")),
            ([0, 0, 0, 1, 6, 0, 1, 0xFF, 0, 0], .badValue("group")),
            ([0, 0, 0, 1, 6, 0xFF, 0xFF, 0x41], .truncated),
            ([], .truncated),
        ] as [([UInt8], AccountCodecError)])
    func malformedQuestions(_ bytes: [UInt8], _ expected: AccountCodecError) {
        #expect(throws: expected) { try AccountCodec.decodeQuestion(bytes) }
    }

    @Test func aHugeCountAllocatesNothing() {
        #expect(throws: AccountCodecError.truncated) {
            try AccountCodec.decodeAnswer([0, 0, 0, 1, 5, 0xFF, 0xFF, 0xFF, 0xFF])
        }
        #expect(throws: AccountCodecError.badValue("recipients")) {
            try AccountCodec.decodeAnswer([0, 0, 0, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0])
        }
    }

    @Test func whatDoesNotFitIsRefused() {
        let long = String(repeating: "x", count: 65_536)
        #expect(throws: AccountCodecError.tooLong) {
            try AccountCodec.encode(.domain(group: long, name: ""), id: 1)
        }
        let half = String(repeating: "x", count: 40_000)
        #expect(throws: AccountCodecError.tooLong) {
            try AccountCodec.encode(.domain(group: half, name: half), id: 1)
        }
    }

    @Test func countsOutOfRangeAreClamped() throws {
        let bytes = try AccountCodec.encode(
            .charge(group: "g", user: "u", recipients: -5), id: 1)
        #expect(
            try AccountCodec.decodeQuestion(bytes).question
                == .charge(group: "g", user: "u", recipients: 0))
    }

    @Test func randomBytesNeverTrap() throws {
        var random = SystemRandomNumberGenerator()
        let seeds = try Self.questions.map { try AccountCodec.encode($0, id: 1) }
        for round in 0..<20_000 {
            var bytes = seeds[round % seeds.count]
            if round % 3 == 0 {
                bytes = (0..<Int.random(in: 0...80)).map { _ in UInt8.random(in: 0...255) }
            } else {
                for _ in 0...Int.random(in: 0...3) where !bytes.isEmpty {
                    bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255)
                }
            }
            // What decodes must mean the same when it is encoded again; the rest is refused.
            do {
                let (id, question) = try AccountCodec.decodeQuestion(bytes)
                #expect(try AccountCodec.encode(question, id: id) == bytes)
            } catch {}
            do {
                let (id, answer) = try AccountCodec.decodeAnswer(bytes)
                #expect(try AccountCodec.encode(answer, id: id) == bytes)
            } catch {}
        }
    }

    @Test func noTextOfAQuestionShowsThePassword() {
        let question = AccountQuestion.login(
            group: "g", user: "u", password: Array("hunter2".utf8), client: "c", service: "s")
        var dumped = ""
        dump(question, to: &dumped)
        for text in ["\(question)", String(reflecting: question), dumped] {
            #expect(!text.contains("hunter2") && !text.contains("104"))
        }
    }
}
