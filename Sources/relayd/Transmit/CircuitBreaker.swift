// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// Stops the mail of an account whose recipients mostly refuse it: a stolen password is likelier than so many slips.
///
/// It opens at so many refusals within an hour, if they outnumber what was accepted, and closes after an hour. An
/// operator who puts a held entry back has judged: the account's mail goes on, for an hour at least.
nonisolated struct CircuitBreaker: Sendable {
    /// Seconds for which refusals count, mail is held, and an operator's word holds.
    static let window = 3600
    /// Accounts that are remembered.
    static let mostAccounts = 10_000
    /// Entries of an account that are remembered as held.
    static let mostEntries = 100_000

    private struct Account: Sendable {
        var since: Int
        var refused = 0
        var accepted = 0
        /// Nil while mail goes.
        var heldUntil: Int?
        var trustedUntil = 0
        var held: Set<QueueID> = []

        func isOver(at now: Int) -> Bool {
            now >= max(since + window, heldUntil ?? 0, trustedUntil)
        }
    }

    private let limit: Int
    private var accounts: [AccountName: Account] = [:]

    /// A breaker that opens at so many refused recipients; at 0 never.
    init(limit: Int) {
        self.limit = limit
    }

    /// Takes in what came of an account's recipients.
    ///
    /// - Parameters:
    ///   - records: Of an attempt.
    ///   - login: Whose mail it was.
    ///   - now: Seconds since 1970.
    /// - Returns: How many were refused, if the account's mail is held from now on.
    mutating func count(
        _ records: [DeliveryRecord], of login: AccountName, now: Int
    ) -> Int? {
        guard limit > 0, var account = account(login, now: now) else { return nil }
        for outcome in records.map(\.outcome) where outcome.isRemote {
            switch outcome.result {
            case .accepted: account.accepted += 1
            case .permanent: account.refused += 1
            case .temporary: continue
            }
        }
        var refused: Int?
        if account.heldUntil == nil, now >= account.trustedUntil, account.refused >= limit,
            account.refused > account.accepted
        {
            account.heldUntil = now + Self.window
            refused = account.refused
        }
        accounts[login] = account
        return refused
    }

    /// Whether an entry is to be held.
    ///
    /// - Parameters:
    ///   - id: The entry.
    ///   - login: Whose mail it is.
    ///   - now: Seconds since 1970.
    /// - Returns: True once for an entry; that it is here again is the operator's doing.
    mutating func holds(_ id: QueueID, of login: AccountName, now: Int) -> Bool {
        guard let known = accounts[login], var account = account(login, now: now) else {
            return false
        }
        if known.held.contains(id) {
            accounts[login] = Account(since: now, trustedUntil: now + Self.window)
            return false
        }
        guard account.heldUntil != nil, account.held.count < Self.mostEntries else { return false }
        account.held.insert(id)
        accounts[login] = account
        return true
    }

    /// What is known of an account, afresh when its time is over; nil when too many are known.
    private mutating func account(_ login: AccountName, now: Int) -> Account? {
        if let known = accounts[login], !known.isOver(at: now) { return known }
        if accounts[login] == nil, accounts.count >= Self.mostAccounts {
            accounts = accounts.filter { !$0.value.isOver(at: now) }
            guard accounts.count < Self.mostAccounts else { return nil }
        }
        return Account(since: now)
    }
}
