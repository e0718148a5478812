// SPDX-License-Identifier: Apache-2.0

/// What authd answers.
package enum AccountAnswer: Equatable, Sendable {
    /// Yes: the client may come in, the sender address may be used, the message is within the limits.
    case allowed
    /// Not now and not for so many seconds; 0 when only other connections' end would help.
    case blocked(seconds: Int, reason: BlockReason)
    /// The password is right.
    case account(AccountLogin)
    /// The password is wrong, or there is no such user.
    case wrongPassword
    /// Mail for the address goes to these accounts of the group, and on to these foreign addresses.
    ///
    /// Never empty; every account may receive, none is named twice.
    case recipients(accounts: [AccountName], forwards: [ForwardAddress])
    /// The domain is the group's, but nobody has that address.
    case unknown
    /// The address is an account's without the permission `receive`.
    case notReceiving
    /// The domain is one of the group's.
    case local
    /// The domain is none of the group's.
    case notLocal
    /// The login may not use the address as its sender.
    case notAllowed
    /// The account's hourly limit is used up for so many seconds.
    case limited(seconds: Int)
    /// Nobody can tell at present: authd is being restarted, or has too many passwords to check.
    case unavailable
}

/// Why a client may not come in or log in.
package enum BlockReason: UInt8, CaseIterable, Sendable, CustomStringConvertible {
    case failedLogins = 1
    case commandErrors
    case connections
    case rate

    /// In words that a client may be shown.
    package var description: String {
        switch self {
        case .failedLogins: "too many failed logins"
        case .commandErrors: "too many errors"
        case .connections: "too many connections"
        case .rate: "too many connections in a short time"
        }
    }

    /// A stable word for the log.
    package var word: String {
        switch self {
        case .failedLogins: "failed-logins"
        case .commandErrors: "command-errors"
        case .connections: "connections"
        case .rate: "rate"
        }
    }
}

/// A successful login.
package struct AccountLogin: Equatable, Sendable {
    /// The account, spelt as in `group.json` whatever spelling the client used.
    package let account: AccountName
    package let permissions: Permissions
    /// The account's address in the group's first domain; the bare user name when it has none.
    package let address: String
    /// What need not be asked of the account for the next moment.
    package let certainties: Certainties

    /// Answers that are given along with the login, because most sessions ask for them at once.
    package struct Certainties: OptionSet, Sendable {
        package let rawValue: UInt8

        /// ``AccountLogin/address`` may be used as the sender.
        package static let sendsAsItself = Self(rawValue: 1)
        /// The account has no hourly limits.
        package static let isUnlimited = Self(rawValue: 2)

        /// From an answer's octet; what is not known stands for nothing.
        package init(rawValue: UInt8) { self.rawValue = rawValue }
    }

    package init(
        account: AccountName, permissions: Permissions, address: String,
        certainties: Certainties = []
    ) {
        self.account = account
        self.permissions = permissions
        self.address = address
        self.certainties = certainties
    }
}

/// A foreign address that an alias leads to.
package struct ForwardAddress: Hashable, Sendable, CustomStringConvertible {
    /// Without quoting.
    package let localPart: String
    package let domain: String

    package init(localPart: String, domain: String) {
        self.localPart = localPart
        self.domain = domain
    }

    package var description: String { "\(localPart)@\(domain)" }
}
