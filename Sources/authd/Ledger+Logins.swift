// SPDX-License-Identifier: Apache-2.0
import Common

/// Failed logins.
///
/// They are counted by network. What somebody does under the name of a user who has logged in from the
/// same network before is counted apart, with a greater allowance: so an attacker behind the same
/// address does not lock that user out, and can still try only so many passwords.
/// A success takes nothing off the count, or an attacker with one account of his own could go on for ever.
nonisolated extension Ledger {
    /// Whose failures are counted together.
    struct Suspect: Hashable, Sendable {
        let client: ClientNetwork
        /// The user known there; nil for all others.
        let user: UInt64?

        static func network(_ client: ClientNetwork) -> Self { Self(client: client, user: nil) }
    }

    /// One wrong password, as a keyed hash.
    struct Failure: Sendable {
        fileprivate let fingerprint: UInt64
        let at: Deadline
    }

    /// A user who has logged in from a network.
    struct Visitor: Sendable {
        fileprivate let user: UInt64
        var at: Deadline
    }

    /// What to do with a login.
    enum Verdict: Equatable, Sendable {
        /// Find out whether the password is right and report that of the suspect.
        case check(Suspect)
        /// It is the same wrong password again: refuse without another look or count.
        case repeated
        case blocked(seconds: Int)
    }

    /// Judges a login before its password is looked at.
    ///
    /// - Parameters:
    ///   - client: Where it comes from.
    ///   - user: A keyed hash of the user's name.
    ///   - fingerprint: A keyed hash of name, stored password and offered password.
    ///   - exempt: What does not hold for the client.
    ///   - now: The time.
    /// - Returns: What to do with it.
    mutating func judge(
        _ client: ClientNetwork, user: UInt64, fingerprint: UInt64, exempt: Exemptions = [],
        now: Deadline
    ) -> Verdict {
        let suspect =
            isKnown(user, in: client, now: now)
            ? Suspect(client: client, user: user) : .network(client)
        if !exempt.contains(.blocks), let until = loginBlocks[suspect], now < until {
            loginBlocks.touch(suspect)
            return .blocked(seconds: until.wholeSeconds(since: now))
        }
        let isRepeated = failures[suspect]?.contains { failure in
            failure.fingerprint == fingerprint && counts(failure, now: now)
        }
        return isRepeated ?? false ? .repeated : .check(suspect)
    }

    /// The password was wrong.
    ///
    /// - Returns: Seconds of the block that this begins; nil when there is none.
    mutating func failed(_ suspect: Suspect, fingerprint: UInt64, now: Deadline) -> Int? {
        let tries = suspect.user == nil ? settings.passwordTries : settings.knownUserTries
        let window = settings.passwordBlock
        let count = failures.update(suspect, default: []) { list in
            list.removeAll { now.seconds(since: $0.at) > window }
            if !list.contains(where: { $0.fingerprint == fingerprint }) {
                // With a setting beyond that the count stops here, the memory does too.
                if list.count >= max(tries, 64) { list.removeFirst() }
                list.append(Failure(fingerprint: fingerprint, at: now))
            }
            return list.count
        }
        guard tries > 0, count >= tries else { return nil }
        failures.remove(suspect)
        loginBlocks.set(suspect, to: now.advanced(by: window))
        return Int(window.rounded(.up))
    }

    /// The password was right: the user is known in the network from now on.
    mutating func succeeded(_ client: ClientNetwork, user: UInt64, now: Deadline) {
        known.update(client, default: []) { list in
            if let place = list.firstIndex(where: { $0.user == user }) {
                list[place].at = now
                return
            }
            // An office or a provider's gateway has many; the one that was away longest goes.
            if list.count >= 256,
                let place = list.indices.min(by: { list[$0].at < list[$1].at })
            {
                list.remove(at: place)
            }
            list.append(Visitor(user: user, at: now))
        }
    }

    /// Whether any user has logged in from the network lately.
    func hasKnownUsers(_ client: ClientNetwork, now: Deadline) -> Bool {
        known[client]?.contains { now.seconds(since: $0.at) <= settings.knownFor } ?? false
    }

    /// Whether the user has logged in from the network lately.
    func isKnown(_ user: UInt64, in client: ClientNetwork, now: Deadline) -> Bool {
        known[client]?.contains { visitor in
            visitor.user == user && now.seconds(since: visitor.at) <= settings.knownFor
        } ?? false
    }

    private func counts(_ failure: Failure, now: Deadline) -> Bool {
        now.seconds(since: failure.at) <= settings.passwordBlock
    }
}
