// SPDX-License-Identifier: Apache-2.0

/// What a message's header has, as far as a server must know.
package struct HeaderFacts: Equatable, Sendable {
    package var hasDate = false
    package var hasMessageID = false
    /// How many From fields there are; RFC 5322 §3.6 wants one.
    package var fromCount = 0
    /// The addresses of all From fields, also those within groups.
    package var from: [MailAddress] = []
    /// A From field was not what RFC 5322 §3.4 allows: readers may see another author than the server.
    package var isFromMalformed = false
    /// How many servers the message passed (RFC 5321 §6.3).
    package var receivedCount = 0
    /// How many fields there are.
    package var fieldCount = 0
    /// A line is neither a field nor the continuation of one: some readers take it for the body's first.
    package var hasMalformedLine = false
    /// Needs SMTPUTF8 to be passed on (RFC 6532).
    package var has8Bit = false
    package var hasNUL = false
    /// Octets of the longest line without its CRLF.
    package var longestLine = 0
    /// Octets up to and with the empty line; all of the message if there is no such line.
    package var length = 0

    package init() {}
}
