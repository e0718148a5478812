// SPDX-License-Identifier: Apache-2.0
package import Common
import Mail

/// The accounts of one group and who gets mail for which address: one version of a `group.json`.
package struct GroupDirectory: Sendable {
    /// One user.
    package struct Account: Equatable, Sendable {
        package let name: AccountName
        package var password: StoredPassword
        package var permissions: Permissions
        package var allowance: Allowance
        /// Further addresses that the login may send as: `user@domain`, `*@domain` or `*`.
        package var senders: [String]

        /// A user as `group.json` has it.
        package init(
            name: AccountName, password: StoredPassword, permissions: Permissions,
            allowance: Allowance = Allowance(), senders: [String] = []
        ) {
            self.name = name
            self.password = password
            self.permissions = permissions
            self.allowance = allowance
            self.senders = senders
        }
    }

    /// What one account may send in an hour; nil for any number.
    package struct Allowance: Equatable, Sendable {
        package var messages: Int?
        package var recipients: Int?

        /// An allowance; without numbers anything goes.
        package init(messages: Int? = nil, recipients: Int? = nil) {
            self.messages = messages
            self.recipients = recipients
        }
    }

    /// Where an alias leads.
    private enum Target: Sendable {
        /// An address of the group; without a domain, of that domain in which the alias was looked for.
        case local(String, domain: String?)
        case foreign(ForwardAddress)
    }

    /// All accounts and foreign addresses that mail for an address goes to, whatever they may do.
    private struct Expansion: Equatable {
        var accounts: [AccountName] = []
        var forwards: [ForwardAddress] = []
        /// Not all of them, because they are too many.
        var isPartial = false
    }

    /// So many octets of names that one address leads to fit into an answer.
    private static let expansionLimit = 60_000

    package let group: String
    /// As configured; the first is that of the accounts' own addresses.
    package let domains: [String]
    private let domainKeys: Set<String>
    private let separators: Set<Character>
    private var accounts: [String: Account] = [:]
    private var accountsByKey: [String: Account] = [:]
    /// Those whose name has another spelling when it is prepared for a login.
    private var accountsByLogin: [String: Account] = [:]
    private let order: [String]
    private let hashes: [PasswordHash]
    private let aliases: [String: [Target]]
    private let catchAll: [Target]

    /// Takes the contents of a `group.json`.
    ///
    /// - Parameters:
    ///   - group: The group's name.
    ///   - domains: `bindDomains`.
    ///   - accounts: `users`, in the file's order.
    ///   - aliases: By `name` or `name@domain`, each with its targets: users or addresses.
    ///   - catchAll: Targets for every address that is nobody's.
    ///   - separators: Each character of it separates a user's name from a tag.
    package init(
        group: String, domains: [String], accounts: [Account], aliases: [String: [String]] = [:],
        catchAll: [String] = [], separators: String = "+"
    ) {
        self.group = group
        self.domains = domains
        let domainKeys = Set(domains.map(Self.key(ofDomain:)))
        self.domainKeys = domainKeys
        self.separators = Set(separators)
        order = accounts.map(\.name.user)
        hashes = accounts.compactMap { account in
            if case .hash(let hash) = account.password { hash } else { nil }
        }
        for account in accounts {
            self.accounts[account.name.user] = account
            // Of two users who differ in case only the first is found in other spellings.
            let key = Self.key(ofLocalPart: account.name.user)
            if accountsByKey[key] == nil { accountsByKey[key] = account }
        }
        for account in accounts {
            guard let login = Self.key(ofLogin: account.name.user),
                accountsByKey[login] == nil, accountsByLogin[login] == nil
            else { continue }
            accountsByLogin[login] = account
        }
        var parsed: [String: [Target]] = [:]
        for (name, targets) in aliases {
            parsed[Self.aliasKey(name), default: []] += targets.map {
                Self.target($0, domainKeys)
            }
        }
        self.aliases = parsed
        self.catchAll = catchAll.map { Self.target($0, domainKeys) }
    }

    /// Whether the domain is the group's.
    package func isLocal(_ domain: String) -> Bool {
        domainKeys.contains(Self.key(ofDomain: domain))
    }

    /// The account by its exact name.
    package subscript(user: String) -> Account? { accounts[user] }

    /// All accounts, in the file's order.
    package var allAccounts: [Account] { order.compactMap { accounts[$0] } }

    /// The account that a login names: `user`, or `user@domain` with a domain of the group.
    package func account(login: String) -> Account? {
        if let account = account(loginName: login) { return account }
        guard let sign = login.lastIndex(of: "@"),
            isLocal(String(login[login.index(after: sign)...]))
        else { return nil }
        return account(loginName: String(login[..<sign]))
    }

    /// What spellings of one user name have in common; nil for what is nobody's (RFC 4013).
    package static func key(ofLogin name: String) -> String? {
        SASLprep.query(name).map(key(ofLocalPart:))
    }

    /// The account's own address.
    package func address(of account: Account) -> String {
        domains.first.map { "\(account.name.user)@\($0)" } ?? account.name.user
    }

    /// Who gets mail for an address.
    ///
    /// An empty domain stands for the group's first one, as in `RCPT TO:<postmaster>`. What leads to more
    /// names than fit into an answer is `.unavailable`: nobody is left out in silence.
    package func recipients(localPart: String, domain: String) -> AccountAnswer {
        guard let domain = localDomain(domain) else { return .notLocal }
        let found = expansion(localPart: localPart, domainKey: domain)
        if found.isPartial { return .unavailable }
        if found.accounts.isEmpty, found.forwards.isEmpty { return .unknown }
        let receiving = found.accounts.filter { name in
            accounts[name.user]?.permissions.contains(.receive) ?? false
        }
        if receiving.isEmpty, found.forwards.isEmpty { return .notReceiving }
        return .recipients(accounts: receiving, forwards: found.forwards)
    }

    /// Whether a login may use an address: its own, one whose mail it gets, or one it is given by name.
    package func maySend(user: String, localPart: String, domain: String) -> Bool {
        guard let account = accounts[user] else { return false }
        if let key = localDomain(domain),
            expansion(localPart: localPart, domainKey: key).accounts.contains(account.name)
        {
            return true
        }
        return account.senders.contains { sender in
            if sender == "*" { return true }
            guard let sign = sender.lastIndex(of: "@") else { return false }
            let senderDomain = String(sender[sender.index(after: sign)...])
            let name = String(sender[..<sign])
            return Self.key(ofDomain: senderDomain) == Self.key(ofDomain: domain)
                && (name == "*"
                    || Self.key(ofLocalPart: name) == Self.key(ofLocalPart: localPart))
        }
    }

    /// A hash to check a password against where there is none, so that an unknown user's login takes as long
    /// as a known one's: that of some account, always the same for a number; nil when none has one.
    package func substitute(choosing number: UInt64) -> PasswordHash? {
        hashes.isEmpty ? nil : hashes[Int(number % UInt64(hashes.count))]
    }

    // MARK: Resolution

    private func account(named name: String) -> Account? {
        accounts[name] ?? accountsByKey[Self.key(ofLocalPart: name)]
    }

    /// The name as it stands comes first, so that two that differ in spelling only keep their accounts.
    private func account(loginName name: String) -> Account? {
        guard let key = Self.key(ofLogin: name) else { return nil }
        return account(named: name) ?? accountsByKey[key] ?? accountsByLogin[key]
    }

    private func localDomain(_ domain: String) -> String? {
        let key =
            domain.isEmpty ? domains.first.map(Self.key(ofDomain:)) : Self.key(ofDomain: domain)
        return key.flatMap { domainKeys.contains($0) ? $0 : nil }
    }

    /// What an address leads to: an alias of the address, an alias of the name, an account; then the same
    /// without its tag; then the catch-all.
    private func expansion(localPart: String, domainKey: String) -> Expansion {
        var walk = Walk()
        let base = localPart.firstIndex(where: separators.contains).map { localPart[..<$0] }
        for name in [localPart, base.map(String.init) ?? ""] where !name.isEmpty {
            if follow(name, domainKey, &walk) { return walk.result }
        }
        for target in catchAll { follow(target, domainKey, &walk) }
        if walk.result == Expansion() { addPostmaster(localPart, &walk) }
        return walk.result
    }

    private struct Walk {
        var result = Expansion()
        var aliases: Set<String> = []
        var accounts: Set<AccountName> = []
        var forwards: Set<ForwardAddress> = []
        var octets = 0

        mutating func add(_ account: Account) {
            let name = account.name
            guard accounts.insert(name).inserted, fits(name.group, name.user) else { return }
            result.accounts.append(name)
        }

        mutating func add(_ forward: ForwardAddress) {
            guard forwards.insert(forward).inserted, fits(forward.localPart, forward.domain)
            else { return }
            result.forwards.append(forward)
        }

        private mutating func fits(_ first: String, _ second: String) -> Bool {
            octets += first.utf8.count + second.utf8.count + 4
            result.isPartial = octets > expansionLimit
            return !result.isPartial
        }
    }

    /// Adds what a name leads to; false when it is neither alias nor account.
    ///
    /// An alias that is met again on the way is taken for the account of the same name, if there is one:
    /// so `info` may lead to `info` and `boss`, and no loop is endless.
    @discardableResult
    private func follow(_ name: String, _ domainKey: String, _ walk: inout Walk) -> Bool {
        let nameKey = Self.key(ofLocalPart: name)
        var isKnown = false
        for key in ["\(nameKey)@\(domainKey)", nameKey] {
            guard let targets = aliases[key] else { continue }
            isKnown = true
            guard walk.aliases.insert(key).inserted else { continue }
            for target in targets { follow(target, domainKey, &walk) }
            return true
        }
        guard let account = account(named: name) else { return isKnown }
        walk.add(account)
        return true
    }

    private func follow(_ target: Target, _ domainKey: String, _ walk: inout Walk) {
        switch target {
        case .foreign(let address): walk.add(address)
        case .local(let name, let domain):
            if follow(name, domain ?? domainKey, &walk) { return }
            if let mark = name.firstIndex(where: separators.contains), mark > name.startIndex {
                follow(String(name[..<mark]), domain ?? domainKey, &walk)
            }
        }
    }

    /// A server must take mail for its postmaster (RFC 5321 §4.5.1): without an account or alias of that
    /// name the first account that receives.
    private func addPostmaster(_ localPart: String, _ walk: inout Walk) {
        guard Self.key(ofLocalPart: localPart) == "postmaster",
            let account = allAccounts.first(where: { $0.permissions.contains(.receive) })
        else { return }
        walk.add(account)
    }

    // MARK: Spelling

    /// Names of users and aliases are found in any case.
    private static func key(ofLocalPart name: String) -> String {
        name.lowercased()
    }

    /// Any case, U-labels as A-labels; a text that is no domain stands for itself and equals no domain.
    private static func key(ofDomain domain: String) -> String {
        Domain(domain)?.ascii ?? domain
    }

    private static func aliasKey(_ name: String) -> String {
        guard let sign = name.lastIndex(of: "@") else { return key(ofLocalPart: name) }
        let domain = String(name[name.index(after: sign)...])
        return "\(key(ofLocalPart: String(name[..<sign])))@\(key(ofDomain: domain))"
    }

    private static func target(_ text: String, _ domainKeys: Set<String>) -> Target {
        guard let sign = text.lastIndex(of: "@") else { return .local(text, domain: nil) }
        let name = String(text[..<sign])
        let domain = String(text[text.index(after: sign)...])
        let domainKey = key(ofDomain: domain)
        return domainKeys.contains(domainKey)
            ? .local(name, domain: domainKey)
            : .foreign(ForwardAddress(localPart: name, domain: domain))
    }
}
