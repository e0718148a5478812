// SPDX-License-Identifier: Apache-2.0
package import Common

/// Who may send what to whom: one pure decision from facts, so that it can be tabled, tested and printed.
///
/// TLS, a local address of the client and a claimed sender are no facts here: they are never a permission.
package struct ReceptionPolicy: Equatable, Sendable {
    /// What the listener demands of a login.
    package var authentication: Authentication
    /// Whether a client without login may use a sender of our own domains.
    package var acceptsOwnDomainsFromOutside: Bool

    package init(authentication: Authentication, acceptsOwnDomainsFromOutside: Bool = false) {
        self.authentication = authentication
        self.acceptsOwnDomainsFromOutside = acceptsOwnDomainsFromOutside
    }

    /// Whether a listener has logins.
    package enum Authentication: CaseIterable, Sendable {
        case none, optional, required
    }

    // MARK: The envelope's sender

    /// What is known of a reverse-path.
    package struct SenderFacts: Equatable, Sendable {
        /// Whether the client has logged in.
        package var isLoggedIn: Bool
        /// Whether the client's address is in `allowRelayFrom`.
        package var isListedClient: Bool
        package var address: Address

        package init(isLoggedIn: Bool, isListedClient: Bool, address: Address) {
            self.isLoggedIn = isLoggedIn
            self.isListedClient = isListedClient
            self.address = address
        }

        /// Whose address it is.
        package enum Address: CaseIterable, Sendable {
            /// The null reverse-path.
            case null
            /// One that the login may use.
            case ofLogin
            /// Another address in a domain of the group.
            case ofGroup
            /// In a domain that is not the group's.
            case foreign
        }
    }

    /// The decision on a sender.
    package enum SenderVerdict: Equatable, Sendable {
        case accepted
        /// 530 5.7.0
        case loginRequired
        /// 553 5.7.1: a login may use its own addresses only.
        case notOwnAddress
        /// 550 5.7.1: mail that claims to be from us must come with a login.
        case ownDomainFromOutside
    }

    /// Judges MAIL, and the addresses of the From field.
    package func verdict(on facts: SenderFacts) -> SenderVerdict {
        if facts.isLoggedIn {
            // A null sender is no claim to be anybody (RFC 5321 §4.5.5); receipts are sent so.
            return facts.address == .ofLogin || facts.address == .null ? .accepted : .notOwnAddress
        }
        switch facts.address {
        case .ofGroup, .ofLogin:
            return acceptsOwnDomainsFromOutside || facts.isListedClient
                ? .accepted : .ownDomainFromOutside
        case .null, .foreign: return .accepted
        }
    }

    // MARK: A recipient

    /// What is known of a forward-path.
    package struct RecipientFacts: Equatable, Sendable {
        /// The permissions of the login; nil without one.
        package var login: Permissions?
        /// Whether the client's address is in `allowRelayFrom`.
        package var isListedClient: Bool
        /// Whether `SMTPWhiteList` lets the address pass for a listed client.
        package var isWhitelisted: Bool
        package var address: Address

        package init(
            login: Permissions?, isListedClient: Bool, isWhitelisted: Bool, address: Address
        ) {
            self.login = login
            self.isListedClient = isListedClient
            self.isWhitelisted = isWhitelisted
            self.address = address
        }

        /// Whose address it is.
        package enum Address: CaseIterable, Sendable {
            /// Accounts of the group, or what its aliases lead to.
            case known
            /// In a domain of the group, but nobody's.
            case unknown
            /// An account's that has no permission to receive.
            case notReceiving
            /// In a domain that is not the group's.
            case foreign
        }
    }

    /// The decision on a recipient.
    package enum RecipientVerdict: Equatable, Sendable {
        /// To the accounts and forwards found.
        case deliver
        /// To another server, by these ways.
        case relay(smarthost: Bool, direct: Bool)
        /// 530 5.7.0: a login could help.
        case loginRequired
        /// 550 5.7.1
        case relayingDenied
        /// 550 5.7.1: the login may not send to local users.
        case localSendingDenied
        /// 550 5.1.1
        case unknownUser
        /// 550 5.2.1
        case mailboxDisabled
    }

    /// Judges RCPT.
    package func verdict(on facts: RecipientFacts) -> RecipientVerdict {
        if facts.address == .foreign { return foreign(facts) }
        if let login = facts.login, !login.contains(.sendLocal) { return .localSendingDenied }
        switch facts.address {
        case .known: return .deliver
        case .notReceiving: return .mailboxDisabled
        case .unknown, .foreign: return .unknownUser
        }
    }

    private func foreign(_ facts: RecipientFacts) -> RecipientVerdict {
        if let login = facts.login {
            let smarthost = login.contains(.sendRelay)
            let direct = login.contains(.sendOutside)
            return smarthost || direct
                ? .relay(smarthost: smarthost, direct: direct) : .relayingDenied
        }
        if facts.isListedClient, facts.isWhitelisted {
            return .relay(smarthost: true, direct: true)
        }
        return authentication == .none ? .relayingDenied : .loginRequired
    }
}
