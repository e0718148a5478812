// SPDX-License-Identifier: Apache-2.0
import Common

/// Who may come in: connections, their rate, and command errors by network; failed logins are in
/// `Ledger+Logins.swift`.
///
/// It knows no clock and no socket. Nothing that clients do makes it grow beyond its capacities: each
/// kind of record has its own table, so that a flood of one kind cannot make it forget another.
nonisolated struct Ledger: Sendable {
    struct Settings: Equatable, Sendable {
        /// Different wrong passwords until a network is blocked (`ipMaxPwdTry`); 0 for any number.
        var passwordTries = 5
        /// How long it is blocked, and for how long a wrong password counts (`ipBlockSeconds`).
        var passwordBlock = 3600.0
        /// Command errors in one session until its network is blocked (`maxCmdError`); 0 for any number.
        var commandErrors = 5
        /// How long it is blocked (`cmdBlockSeconds`).
        var commandBlock = 60.0
        /// Open connections of one network; 0 for any number.
        var connections = 50
        /// New connections of one network in a minute; 0 for any number.
        var connectionsPerMinute = 300
        /// Networks remembered of each kind.
        var capacity = 100_000

        /// As many wrong passwords are borne of a user who has logged in from the same network before.
        var knownUserTries: Int { 4 * passwordTries }
        /// Sessions that stay below `commandErrors` each are borne until they have made so many.
        var scatteredErrors: Int { 4 * commandErrors }
        /// For how long a successful login makes a user known in a network.
        var knownFor: Double { 30 * 86_400 }
    }

    /// What does not hold for a client, by configuration.
    struct Exemptions: OptionSet, Sendable {
        let rawValue: UInt8
        /// Its connections and their rate are not limited, such as those of this host's web mailer.
        static let limits = Self(rawValue: 1)
        /// It is never blocked, whatever it does.
        static let blocks = Self(rawValue: 2)
    }

    /// Whether a client may come in.
    enum Admission: Equatable, Sendable {
        case allowed
        /// `isNews` once per block, for the log.
        case blocked(seconds: Int, reason: BlockReason, isNews: Bool)
    }

    var settings: Settings
    private var open: [ClientNetwork: Int] = [:]
    private var rates: BoundedTable<ClientNetwork, Rate>
    var errors: BoundedTable<ClientNetwork, ErrorTally>
    var errorBlocks: BoundedTable<ClientNetwork, Deadline>
    var failures: BoundedTable<Suspect, [Failure]>
    var loginBlocks: BoundedTable<Suspect, Deadline>
    var known: BoundedTable<ClientNetwork, [Visitor]>

    init(_ settings: Settings) {
        self.settings = settings
        rates = BoundedTable(capacity: settings.capacity)
        errors = BoundedTable(capacity: settings.capacity)
        errorBlocks = BoundedTable(capacity: settings.capacity)
        failures = BoundedTable(capacity: settings.capacity)
        loginBlocks = BoundedTable(capacity: settings.capacity)
        known = BoundedTable(capacity: settings.capacity)
    }

    /// Open connections of a network, of all workers together.
    func connections(of client: ClientNetwork) -> Int { open[client] ?? 0 }

    /// Judges a new connection, and counts it if it may come in.
    ///
    /// A network that is blocked for failed logins is let in nevertheless when users have logged in from
    /// it before: they shall not be locked out together with an attacker; the login decides.
    mutating func admit(
        _ client: ClientNetwork, exempt: Exemptions = [], now: Deadline
    ) -> Admission {
        if !exempt.contains(.blocks), let block = block(of: client, now: now) { return block }
        if !exempt.contains(.limits), let refusal = judgeRate(of: client, now: now) {
            return refusal
        }
        open[client, default: 0] += 1
        return .allowed
    }

    /// Counts connections that were admitted before this ledger began.
    mutating func adopt(_ client: ClientNetwork, connections: Int) {
        if connections > 0 { open[client, default: 0] += connections }
    }

    /// A connection is over.
    ///
    /// - Returns: Seconds of the block that its errors begin; nil when there is none.
    mutating func leave(
        _ client: ClientNetwork, commandErrors: Int, exempt: Exemptions = [], now: Deadline
    ) -> Int? {
        release(client, connections: 1)
        guard commandErrors > 0, settings.commandErrors > 0, !exempt.contains(.blocks) else {
            return nil
        }
        let window = settings.commandBlock
        let sum = errors.update(client, default: ErrorTally(since: now)) { tally in
            if now.seconds(since: tally.since) > window { tally = ErrorTally(since: now) }
            tally.count += min(commandErrors, 1_000_000)
            return tally.count
        }
        guard commandErrors >= settings.commandErrors || sum >= settings.scatteredErrors else {
            return nil
        }
        errors.remove(client)
        errorBlocks.set(client, to: now.advanced(by: settings.commandBlock))
        return Int(settings.commandBlock.rounded(.up))
    }

    /// Takes connections out of the count whose worker is gone.
    mutating func release(_ client: ClientNetwork, connections: Int) {
        guard let count = open[client] else { return }
        open[client] = count > connections ? count - connections : nil
    }

    /// Forgets what is over; called now and then, so that an attack leaves no memory behind.
    mutating func sweep(now: Deadline) {
        let settings = settings
        rates.removeOldest { now.seconds(since: $0.at) > 120 }
        errors.removeOldest { now.seconds(since: $0.since) > settings.commandBlock }
        errorBlocks.removeOldest { $0 <= now }
        loginBlocks.removeOldest { $0 <= now }
        failures.removeOldest { list in
            list.allSatisfy { now.seconds(since: $0.at) > settings.passwordBlock }
        }
        known.removeOldest { list in
            list.allSatisfy { now.seconds(since: $0.at) > settings.knownFor }
        }
    }

    /// Networks of which anything is remembered, for tests and metrics.
    var recordCount: Int {
        open.count + rates.count + errors.count + errorBlocks.count + failures.count
            + loginBlocks.count + known.count
    }

    private mutating func block(of client: ClientNetwork, now: Deadline) -> Admission? {
        if let until = errorBlocks[client], now < until {
            errorBlocks.touch(client)
            return .blocked(
                seconds: until.wholeSeconds(since: now), reason: .commandErrors, isNews: false)
        }
        if let until = loginBlocks[.network(client)], now < until, !hasKnownUsers(client, now: now)
        {
            loginBlocks.touch(.network(client))
            return .blocked(
                seconds: until.wholeSeconds(since: now), reason: .failedLogins, isNews: false)
        }
        return nil
    }

    /// A bucket of connections that a minute fills.
    private mutating func judgeRate(of client: ClientNetwork, now: Deadline) -> Admission? {
        let full = Double(settings.connectionsPerMinute)
        let count = connections(of: client)
        let tooMany = settings.connections > 0 && count >= settings.connections
        guard full > 0 || tooMany else { return nil }
        return rates.update(client, default: Rate(tokens: full, at: now)) { rate in
            rate.tokens = min(full, rate.tokens + now.seconds(since: rate.at) * full / 60)
            rate.at = now
            let reason: BlockReason
            var wait = 0
            if tooMany {
                reason = .connections
            } else if rate.tokens < 1 {
                reason = .rate
                wait = Int(((1 - rate.tokens) * 60 / full).rounded(.up))
            } else {
                rate.tokens -= 1
                return nil
            }
            let isNews = rate.told.map { now.seconds(since: $0) > 60 } ?? true
            if isNews { rate.told = now }
            return .blocked(seconds: wait, reason: reason, isNews: isNews)
        }
    }

    private struct Rate {
        var tokens: Double
        var at: Deadline
        /// When the log was last told.
        var told: Deadline?
    }

    struct ErrorTally {
        var count = 0
        let since: Deadline
    }
}

nonisolated extension Deadline {
    /// Seconds from an earlier point to this one, rounded up.
    func wholeSeconds(since earlier: Deadline) -> Int {
        Int(seconds(since: earlier).rounded(.up))
    }
}
