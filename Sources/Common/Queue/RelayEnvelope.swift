// SPDX-License-Identifier: Apache-2.0
package import Mail

/// What smtpd decides when it takes a message for other servers, and relayd keeps to.
package struct RelayEnvelope: Equatable, Sendable {
    /// The ways out that the sender had the permission for when the message was accepted.
    package struct Ways: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// `sendrelay`: through a smarthost.
        package static let smarthost = Self(rawValue: 1)
        /// `sendoutside`: to the domain's own servers.
        package static let direct = Self(rawValue: 2)
    }

    /// Sender and the recipients at other servers; also local ones that want a report on success.
    package var envelope: Envelope
    package var ways: Ways
    /// The user group whose listener took the message; its template makes reports.
    package var group: String
    /// The login that submitted it.
    package var login: AccountName?
    /// The accounts that the sender's address leads to: reports go there and not over the network.
    package var reportsTo: [AccountName]
    /// The client's address, for the operator.
    package var client: String
    /// Recipients that this commit delivers locally: nothing is left to do for them but the report.
    package var delivered: Set<MailAddress>

    package init(
        _ envelope: Envelope, ways: Ways, group: String, login: AccountName? = nil,
        reportsTo: [AccountName] = [], client: String = "", delivered: Set<MailAddress> = []
    ) {
        self.envelope = envelope
        self.ways = ways
        self.group = group
        self.login = login
        self.reportsTo = reportsTo
        self.client = client
        self.delivered = delivered
    }
}
