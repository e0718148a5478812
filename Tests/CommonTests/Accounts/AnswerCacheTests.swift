// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct AnswerCacheTests {
    private static let start = Deadline(nanoseconds: 5_000_000_000)
    private static let question = AccountQuestion.recipient(
        group: "g", localPart: "u", domain: "x.test")

    @Test func keepsAnAnswerForASecond() {
        var cache = AnswerCache()
        let answer = AccountAnswer.recipients(
            accounts: [AccountName(group: "g", user: "u")], forwards: [])
        cache.remember(answer, to: Self.question, now: Self.start)
        #expect(cache.answer(to: Self.question, now: Self.start.advanced(by: 0.9)) == answer)
        #expect(cache.answer(to: Self.question, now: Self.start.advanced(by: 1)) == nil)
        let others: [AccountQuestion] = [
            .recipient(group: "h", localPart: "u", domain: "x.test"),
            .recipient(group: "g", localPart: "v", domain: "x.test"),
            .recipient(group: "g", localPart: "u", domain: "y.test"),
            .sender(group: "g", user: "u", localPart: "u", domain: "x.test"),
            .domain(group: "g", name: "x.test"),
        ]
        for other in others { #expect(cache.answer(to: other, now: Self.start) == nil) }
    }

    @Test(arguments: [
        (
            AccountQuestion.login(
                group: "g", user: "u", password: [1], client: "192.0.2.1", service: "smtp"),
            AccountAnswer.wrongPassword
        ),
        (.connection(client: "192.0.2.1", service: "smtp"), .allowed),
        (.charge(group: "g", user: "u", recipients: 1), .allowed),
        (question, .unavailable),
        (
            question,
            .recipients(
                accounts: (0..<17).map { AccountName(group: "g", user: "\($0)") }, forwards: [])
        ),
    ])
    func neverKeeps(question: AccountQuestion, answer: AccountAnswer) {
        var cache = AnswerCache()
        cache.remember(answer, to: question, now: Self.start)
        #expect(cache.answer(to: question, now: Self.start) == nil)
    }

    @Test(arguments: [false, true], [false, true])
    func keepsForASecondWhatALoginSays(sends: Bool, isUnlimited: Bool) {
        var certainties: AccountLogin.Certainties = []
        if sends { certainties.insert(.sendsAsItself) }
        if isUnlimited { certainties.insert(.isUnlimited) }
        var cache = AnswerCache()
        let login = AccountLogin(
            account: AccountName(group: "g", user: "u"), permissions: [.receive],
            address: "u@x.test", certainties: certainties)
        let question = AccountQuestion.login(
            group: "g", user: "u@x.test", password: [1], client: "192.0.2.1", service: "smtp")
        cache.remember(.account(login), to: question, now: Self.start)
        let sender = AccountQuestion.sender(
            group: "g", user: "u", localPart: "u", domain: "x.test")
        let charge = AccountQuestion.charge(group: "g", user: "u", recipients: 7)
        let soon = Self.start.advanced(by: 0.9)
        #expect((cache.answer(to: sender, now: soon) == .allowed) == sends)
        #expect((cache.answer(to: charge, now: soon) == .allowed) == isUnlimited)
        let others: [AccountQuestion] = [
            question,
            .sender(group: "g", user: "u", localPart: "v", domain: "x.test"),
            .sender(group: "g", user: "v", localPart: "u", domain: "x.test"),
            .sender(group: "g", user: "u", localPart: "u", domain: "y.test"),
            .charge(group: "g", user: "v", recipients: 1),
            .charge(group: "h", user: "u", recipients: 1),
        ]
        for other in others { #expect(cache.answer(to: other, now: soon) == nil, "\(other)") }
        let late = Self.start.advanced(by: 1)
        #expect(cache.answer(to: sender, now: late) == nil)
        #expect(cache.answer(to: charge, now: late) == nil)
    }

    @Test func aFloodOfAddressesDoesNotMakeItGrow() {
        var cache = AnswerCache()
        for number in 0..<10_000 {
            cache.remember(
                .unknown, to: .recipient(group: "g", localPart: "\(number)", domain: "x.test"),
                now: Self.start)
        }
        let kept = (0..<10_000).filter { number in
            cache.answer(
                to: .recipient(group: "g", localPart: "\(number)", domain: "x.test"),
                now: Self.start) != nil
        }
        #expect(kept.count <= 1000 && kept.last == 9999)
    }
}
