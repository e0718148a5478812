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
