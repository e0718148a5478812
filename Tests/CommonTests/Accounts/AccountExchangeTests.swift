// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct AccountExchangeTests {
    let soon = Deadline(nanoseconds: 10)
    let later = Deadline(nanoseconds: 20)

    private func id(of datagram: [UInt8]) throws -> UInt32 {
        try AccountCodec.decodeQuestion(datagram).id
    }

    @Test func answersFindTheirAskersInAnyOrder() throws {
        var exchange = AccountExchange<String>()
        let first = try exchange.ask(
            .domain(group: "g", name: "a"), asker: "first", deadline: soon)
        let second = try exchange.ask(
            .domain(group: "g", name: "b"), asker: "second", deadline: soon)
        guard
            case .deliver(.notLocal, to: "second") =
                exchange.received(.notLocal, id: try id(of: second)),
            case .deliver(.local, to: "first") = exchange.received(.local, id: try id(of: first)),
            case .ignore = exchange.received(.local, id: try id(of: first)),
            case .ignore = exchange.received(.local, id: 4711)
        else {
            Issue.record("wrong arrival")
            return
        }
        #expect(exchange.count == 0)
    }

    @Test func aNewAuthdHearsOfConnectionsFirstAndThenTheQuestionsInOrder() throws {
        var exchange = AccountExchange<String>()
        for _ in 0..<3 {
            let datagram = try exchange.ask(
                .connection(client: "192.0.2.1", service: "smtp"), asker: "", deadline: soon)
            _ = exchange.received(.allowed, id: try id(of: datagram))
        }
        _ = try exchange.tell(
            .disconnected(client: "192.0.2.1", service: "smtp", commandErrors: 0))
        let blocked = try exchange.ask(
            .connection(client: "192.0.2.2", service: "smtp"), asker: "", deadline: soon)
        _ = exchange.received(
            .blocked(seconds: 1, reason: .rate), id: try id(of: blocked))
        let questions: [AccountQuestion] = (0..<20).map { .domain(group: "g", name: "\($0)") }
        for question in questions {
            _ = try exchange.ask(question, asker: "", deadline: soon)
        }
        let heard = try exchange.greeting().map { try AccountCodec.decodeQuestion($0).question }
        #expect(heard == [.present(client: "192.0.2.1", connections: 2)] + questions)
    }

    @Test func whoWaitsTooLongIsToldOnce() throws {
        var exchange = AccountExchange<String>()
        _ = try exchange.ask(.domain(group: "g", name: "a"), asker: "a", deadline: soon)
        _ = try exchange.ask(.domain(group: "g", name: "b"), asker: "b", deadline: later)
        #expect(exchange.nextDeadline == soon)
        #expect(exchange.expire(now: soon) == ["a"])
        #expect(exchange.expire(now: soon).isEmpty)
        #expect(exchange.nextDeadline == later)
        #expect(exchange.expire(now: later) == ["b"])
        #expect(exchange.nextDeadline == nil)
        exchange.lost()
        #expect(exchange.count == 0)
        #expect(exchange.greeting().isEmpty)
    }

    @Test func anAdmissionThatNobodyWaitedForIsTakenBack() throws {
        var exchange = AccountExchange<String>()
        let datagram = try exchange.ask(
            .connection(client: "192.0.2.1", service: "smtp"), asker: "a", deadline: soon)
        _ = exchange.expire(now: soon)
        guard
            case .retract("192.0.2.1", "smtp") =
                exchange.received(.allowed, id: try id(of: datagram))
        else {
            Issue.record("not retracted")
            return
        }
        #expect(exchange.connections.isEmpty)
    }

    @Test func namesOfOtherworldlyLengthAreRefused() {
        var exchange = AccountExchange<String>()
        let name = String(repeating: "x", count: 70_000)
        #expect(throws: AccountCodecError.tooLong) {
            try exchange.ask(.domain(group: "g", name: name), asker: "", deadline: soon)
        }
        #expect(exchange.count == 0)
    }
}
