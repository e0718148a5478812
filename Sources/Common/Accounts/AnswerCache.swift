// SPDX-License-Identifier: Apache-2.0

/// Answers about addresses that were given a moment ago.
///
/// A busy server asks for the same few domains and recipients again and again. authd looks at `group.json` once a
/// second at most, so what it said within the last second is as true as what it would say now. Nothing about clients or
/// passwords is kept, of limits only that there are none, and no failure.
struct AnswerCache: Sendable {
    private enum Key: Hashable {
        case recipient(group: String, localPart: String, domain: String)
        case domain(group: String, name: String)
        case sender(group: String, user: String, localPart: String, domain: String)
        case limits(group: String, user: String)
    }

    private struct Entry {
        let answer: AccountAnswer
        let ends: Deadline
    }

    private static let seconds = 1.0
    private static let capacity = 1000
    /// An answer that names more than these is not kept: memory has a bound.
    private static let longestAnswer = 16

    private var entries: [Key: Entry] = [:]

    /// What was answered within the last second; nil for all else.
    func answer(to question: AccountQuestion, now: Deadline) -> AccountAnswer? {
        guard let key = Self.key(question), let entry = entries[key], now < entry.ends else {
            return nil
        }
        return entry.answer
    }

    /// Keeps an answer, if it is one to keep.
    mutating func remember(_ answer: AccountAnswer, to question: AccountQuestion, now: Deadline) {
        if case .account(let login) = answer { return remember(login, now: now) }
        // An allowed charge was counted, so the next one must be asked for.
        if case .charge = question { return }
        guard let key = Self.key(question), Self.isWorthKeeping(answer) else { return }
        keep(answer, key, now)
    }

    /// Keeps what a login's answer says of the account.
    private mutating func remember(_ login: AccountLogin, now: Deadline) {
        let (group, user) = (login.account.group, login.account.user)
        if login.certainties.contains(.isUnlimited) {
            keep(.allowed, .limits(group: group, user: user), now)
        }
        guard login.certainties.contains(.sendsAsItself),
            let sign = login.address.lastIndex(of: "@")
        else { return }
        let domain = login.address[login.address.index(after: sign)...]
        let key = Key.sender(
            group: group, user: user, localPart: String(login.address[..<sign]),
            domain: String(domain))
        keep(.allowed, key, now)
    }

    private mutating func keep(_ answer: AccountAnswer, _ key: Key, _ now: Deadline) {
        if entries.count >= Self.capacity { entries.removeAll(keepingCapacity: true) }
        entries[key] = Entry(answer: answer, ends: now.advanced(by: Self.seconds))
    }

    private static func isWorthKeeping(_ answer: AccountAnswer) -> Bool {
        switch answer {
        case .recipients(let accounts, let forwards):
            accounts.count + forwards.count <= longestAnswer
        case .unavailable: false
        default: true
        }
    }

    private static func key(_ question: AccountQuestion) -> Key? {
        switch question {
        case .recipient(let group, let localPart, let domain):
            .recipient(group: group, localPart: localPart, domain: domain)
        case .domain(let group, let name): .domain(group: group, name: name)
        case .sender(let group, let user, let localPart, let domain):
            .sender(group: group, user: user, localPart: localPart, domain: domain)
        case .charge(let group, let user, _): .limits(group: group, user: user)
        case .connection, .disconnected, .present, .login: nil
        }
    }
}
