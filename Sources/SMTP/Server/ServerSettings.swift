// SPDX-License-Identifier: Apache-2.0
package import Mail

/// What the operator decides about a session.
package struct ServerSettings: Sendable {
    /// The name in greeting and EHLO.
    package var hostName: String
    /// The domain that `<postmaster>` without one belongs to.
    package var postmasterDomain: Domain
    /// STARTTLS can be offered.
    package var offersTLS = false
    package var authentication = Authentication.none
    /// The mechanisms of AUTH, in the order in which they are offered.
    package var mechanisms = SASLExchange.Mechanism.allCases
    /// AUTH is also offered in the form `AUTH=`, for clients from before RFC 2554.
    package var offersOldAuthentication = false
    package var extensions = Extensions.all
    /// Octets of the longest message, its line ends included and stuffed dots not (RFC 1870 §5).
    package var maxMessageSize = 50 << 20
    /// Recipients of one transaction; RFC 5321 §4.5.3.1.8 wants no fewer than 100.
    package var maxRecipients = 100
    /// Octets of the longest header; as many are kept in memory until the header is whole.
    package var maxHeaderSize = 256 << 10
    /// Received fields of a message that is not taken for one in a loop (RFC 5321 §6.3).
    package var maxReceived = 50
    /// Octets of the longest line of text without CRLF (RFC 5322 §2.1.1: 998); nil for no limit.
    package var maxTextLine: Int?
    /// Bare CR and LF in messages become CRLF; else the message is refused.
    package var repairsLineEnds = false
    /// The error after so many ends the session.
    package var maxCommandErrors = 5
    /// The failed login after so many ends the session.
    package var maxLoginFailures = 3
    /// NOOP, RSET and their like between two messages that are no error yet.
    package var maxIdleCommands = 100

    /// Settings with safe defaults.
    package init(hostName: String, postmasterDomain: Domain) {
        self.hostName = hostName
        self.postmasterDomain = postmasterDomain
    }

    /// Whether clients may or must log in; never without TLS.
    package enum Authentication: Sendable {
        case none, optional, required
    }
}
