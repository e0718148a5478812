// SPDX-License-Identifier: Apache-2.0
import Common
import Directory

/// Finds out whether a login is right, at equal cost whether the user is unknown or the password wrong.
final class Logins {
    /// One attempt.
    struct Attempt {
        let group: String
        let user: String
        let password: [UInt8]
        let client: Client
        let service: String
    }

    /// What an attempt is about, once the accounts were looked at.
    private struct Case {
        let directory: GroupDirectory
        let account: GroupDirectory.Account?
        let stored: StoredPassword
        /// What is hashed against when `stored` is no hash.
        let substitute: PasswordHash
        /// A keyed hash of group and user.
        let user: UInt64
        /// A keyed hash of group, user, stored password and offered password: the octets that were offered, since
        /// of two that are prepared alike one may be right, by the hash of another program, and the other wrong.
        let fingerprint: UInt128

        /// For the ledger, where chance meetings do no harm.
        var shortFingerprint: UInt64 { UInt64(truncatingIfNeeded: fingerprint) }
    }

    /// The current accounts of a group; nil for an unknown group.
    private let directory: (String) -> GroupDirectory?
    private let books: Books
    private let pool: PasswordPool
    private let check: @Sendable (StoredPassword, [UInt8], PasswordHash) throws(SystemError) -> Bool
    /// Stands in when a group has no hash at all.
    private let substitute: PasswordHash
    private let sipHash = SipHash(key: randomBytes(16))
    private(set) var cache: LoginCache

    /// Ready to judge.
    ///
    /// - Parameters:
    ///   - directory: Gives the current accounts of a group.
    ///   - books: Whose failures are counted.
    ///   - pool: Where passwords are hashed.
    ///   - rememberSeconds: For how long a password that was right need not be hashed again; 0 for never.
    ///   - check: The hashing itself; tests count it.
    /// - Throws: `SystemError` of crypt(3).
    init(
        directory: @escaping (String) -> GroupDirectory?, books: Books, pool: PasswordPool,
        rememberSeconds: Int,
        check:
            @escaping @Sendable (StoredPassword, [UInt8], PasswordHash) throws(SystemError) ->
            Bool = { stored, password, substitute throws(SystemError) in
                try stored.matches(password, substitute: substitute)
            }
    ) throws(SystemError) {
        self.directory = directory
        self.books = books
        self.pool = pool
        self.check = check
        cache = LoginCache(seconds: Double(rememberSeconds))
        substitute = try PasswordHash.unmatchable()
    }

    /// Answers `.account`, `.wrongPassword`, `.blocked` or `.unavailable`, and writes the log's line.
    func judge(_ attempt: Attempt) async -> AccountAnswer {
        guard let first = view(attempt) else {
            refused(attempt, "unknown-group")
            return .unavailable
        }
        if let answer = answerWithoutHashing(attempt, first) { return answer }
        let isKnown = books.ledger.isKnown(first.user, in: attempt.client.network, now: .now)
        let answer = await pool.withTurn(of: attempt.client.network, isKnown: isKnown) {
            await answerByHashing(attempt)
        }
        guard let answer else {
            refused(attempt, "busy")
            return .unavailable
        }
        return answer
    }

    /// Forgets what need not be known any more.
    func sweep(now: Deadline) {
        cache.sweep(now: now)
    }

    /// Forgets every login that was found right; called when accounts have changed.
    func forgetAll() {
        cache.forgetAll()
    }

    private func view(_ attempt: Attempt) -> Case? {
        guard let directory = directory(attempt.group) else { return nil }
        let account = directory.account(login: attempt.user)
        let group = Array(attempt.group.utf8)
        let spelt = GroupDirectory.key(ofLogin: attempt.user) ?? attempt.user.lowercased()
        let name = Array((account?.name.user ?? spelt).utf8)
        let user = UInt64(truncatingIfNeeded: sipHash.hash(parts: [group, name]))
        let stored = account?.password ?? .none
        let fingerprint = sipHash.hash(parts: [group, name, stored.bytes, attempt.password])
        return Case(
            directory: directory, account: account, stored: stored,
            substitute: directory.substitute(choosing: user) ?? substitute, user: user,
            fingerprint: fingerprint)
    }

    /// What is known already: a block, a login found right minutes ago, a password found wrong before.
    private func answerWithoutHashing(_ attempt: Attempt, _ view: Case) -> AccountAnswer? {
        let now = Deadline.now
        let verdict = books.ledger.judge(
            attempt.client.network, user: view.user, fingerprint: view.shortFingerprint,
            exempt: attempt.client.exemptions, now: now)
        switch verdict {
        case .blocked(let seconds):
            refused(attempt, "blocked")
            return .blocked(seconds: seconds, reason: .failedLogins)
        case .repeated:
            refused(attempt, "wrong-password-again")
            return .wrongPassword
        case .check:
            guard let account = view.account, cache.knows(view.fingerprint, now: now) else {
                return nil
            }
            return accepted(attempt, account, view)
        }
    }

    /// Looks again, since others may have been answered meanwhile; then hashes.
    private func answerByHashing(_ attempt: Attempt) async -> AccountAnswer {
        guard let view = view(attempt) else { return .unavailable }
        if let answer = answerWithoutHashing(attempt, view) { return answer }
        let (check, stored, substitute) = (check, view.stored, view.substitute)
        let password = attempt.password
        let isRight: Bool
        do throws(SystemError) {
            isRight = try await pool.run { () throws(SystemError) in
                for form in SASLprep.forms(ofOffered: password)
                where try check(stored, form, substitute) {
                    return true
                }
                return false
            }
        } catch {
            Log.write(.error, "login.unchecked", ["user": attempt.user, "error": error])
            return .unavailable
        }
        if isRight, let account = view.account {
            cache.remember(view.fingerprint, now: .now)
            return accepted(attempt, account, view)
        }
        refused(attempt, view.account == nil ? "unknown-user" : "wrong-password")
        count(attempt, view)
        return .wrongPassword
    }

    private func count(_ attempt: Attempt, _ view: Case) {
        let now = Deadline.now
        guard !attempt.client.exemptions.contains(.blocks),
            case .check(let suspect) = books.ledger.judge(
                attempt.client.network, user: view.user, fingerprint: view.shortFingerprint,
                now: now),
            let seconds = books.ledger.failed(
                suspect, fingerprint: view.shortFingerprint, now: now)
        else { return }
        books.tellBlocked(
            attempt.client, seconds: seconds, reason: .failedLogins, service: attempt.service)
    }

    private func accepted(
        _ attempt: Attempt, _ account: GroupDirectory.Account, _ view: Case
    ) -> AccountAnswer {
        Counter.logins.add()
        books.ledger.succeeded(attempt.client.network, user: view.user, now: .now)
        Log.write(
            .info, "login.accepted",
            [
                "user": account.name, "client": attempt.client.text,
                "service": attempt.service,
            ])
        return .account(
            AccountLogin(
                account: account.name, permissions: account.permissions,
                address: view.directory.address(of: account),
                certainties: certainties(of: account, in: view.directory)))
    }

    private func certainties(
        of account: GroupDirectory.Account, in directory: GroupDirectory
    ) -> AccountLogin.Certainties {
        var certainties: AccountLogin.Certainties = []
        if account.allowance == GroupDirectory.Allowance() { certainties.insert(.isUnlimited) }
        let user = account.name.user
        if let domain = directory.domains.first,
            directory.maySend(user: user, localPart: user, domain: domain)
        {
            certainties.insert(.sendsAsItself)
        }
        return certainties
    }

    private func refused(_ attempt: Attempt, _ reason: String) {
        Counter.loginsRefused.add()
        Log.write(
            .notice, "login.refused",
            [
                "reason": reason, "user": String(attempt.user.prefix(100)),
                "group": attempt.group, "client": attempt.client.text,
                "service": attempt.service,
            ])
    }
}
