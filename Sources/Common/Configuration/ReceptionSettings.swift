// SPDX-License-Identifier: Apache-2.0

/// `SMTPServices.settings`: how smtpd serves.
package struct ReceptionSettings: Equatable, Sendable {
    /// `maxMessageSize`, there in MB (2^20): octets of a message as sent, told in EHLO (RFC 1870).
    package var maxMessageSize = 50 << 20
    /// `maxRecipients` of one message; RFC 5321 §4.5.3.1.8 wants 100 at least.
    package var maxRecipients = 100
    /// `maxHeaderSize`, there in KB (2^10): octets of all header fields of a message.
    package var maxHeaderSize = 256 << 10
    /// `maxReceivedFields`: more of them mean a loop (RFC 5321 §6.3; 5.4.6).
    package var maxReceivedFields = 50
    /// `maxConnections` of all SMTP services and workers together.
    package var maxConnections = 20_000
    /// `maxMemory`, there in MB (2^20): octets of messages that all workers together hold in memory while they come in.
    package var maxMemory = 256 << 20
    /// `greetingTimeout`: seconds from the greeting, or the TLS handshake, to HELO or EHLO.
    package var greetingTimeout = 60.0
    /// `commandTimeout`: seconds that a command may take to come whole (RFC 5321 §4.5.3.2.7 wants 300).
    package var commandTimeout = 300.0
    /// `dataTimeout`: seconds without a further octet of a message (RFC 5321 §4.5.3.2.5 has 180 for senders).
    package var dataTimeout = 300.0
    /// `minDataRate`: octets a second that a message comes with at least; 0 for no limit.
    ///
    /// On the average since its beginning, and after `dataTimeout` of grace. A telephone modem of 1990 has 240.
    package var minDataRate = 50
    /// `handshakeTimeout`: seconds for a TLS handshake.
    package var handshakeTimeout = 15.0
    /// `rejectOwnDomainsFromOutside`: no sender of the group's own domains without a login.
    package var rejectOwnDomainsFromOutside = true
    /// `senderMustBelongToLogin`: the envelope sender of a login must be one of its own addresses.
    package var senderMustBelongToLogin = true
    /// `headerFromMustBelongToLogin`: the same for the header From.
    package var headerFromMustBelongToLogin = true
    /// `hideClientAddress`: a login's IP address stays out of its Received field.
    package var hideClientAddress = false
    /// `repairLineEndings`: a login's bare CR or LF is mended instead of refused.
    package var repairLineEndings = false
    /// `wMailServerSettings.maxCmdError`: so many command errors end a session with 421.
    package var maxCommandErrors = 5
    /// `capabilities`: what EHLO offers.
    package var capabilities = OfferedCapabilities()

    /// All defaults.
    package init() {}
}

/// `capabilities`: which of the extensions that the Python program had are offered.
///
/// Extensions that came later are not in anybody's old list and are always offered; so is the true SIZE.
package struct OfferedCapabilities: Equatable, Sendable {
    /// EHLO keywords that the operator has taken off the list, such as "PIPELINING" or "STARTTLS".
    package var withheld: [String] = []
    /// SASL mechanisms, in the order of the list.
    package var mechanisms = ["PLAIN", "LOGIN"]
    /// Whether a line `AUTH=` is offered to clients from before RFC 2554.
    package var offersOldAuthentication = false

    /// All defaults.
    package init() {}

    /// The EHLO keywords that a list may name.
    package static let known = ["PIPELINING", "SIZE", "STARTTLS", "AUTH", "SMTPUTF8", "8BITMIME"]
    /// Those that came after the Python program: naming them is fine and changes nothing.
    package static let later = [
        "ENHANCEDSTATUSCODES", "DSN", "CHUNKING", "LIMITS", "HELP", "VRFY",
    ]
}

extension ReceptionSettings {
    /// For a slice.
    package var json: JSON {
        [
            "maxMessageSize": .integer(maxMessageSize), "maxRecipients": .integer(maxRecipients),
            "maxHeaderSize": .integer(maxHeaderSize),
            "maxReceivedFields": .integer(maxReceivedFields),
            "maxConnections": .integer(maxConnections), "maxMemory": .integer(maxMemory),
            "greetingTimeout": .number(greetingTimeout), "commandTimeout": .number(commandTimeout),
            "dataTimeout": .number(dataTimeout), "minDataRate": .integer(minDataRate),
            "handshakeTimeout": .number(handshakeTimeout),
            "rejectOwnDomainsFromOutside": .boolean(rejectOwnDomainsFromOutside),
            "senderMustBelongToLogin": .boolean(senderMustBelongToLogin),
            "headerFromMustBelongToLogin": .boolean(headerFromMustBelongToLogin),
            "hideClientAddress": .boolean(hideClientAddress),
            "repairLineEndings": .boolean(repairLineEndings),
            "maxCommandErrors": .integer(maxCommandErrors),
            "withheld": .strings(capabilities.withheld),
            "mechanisms": .strings(capabilities.mechanisms),
            "offersOldAuthentication": .boolean(capabilities.offersOldAuthentication),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        maxMessageSize = try json.integer(at: "maxMessageSize")
        maxRecipients = try json.integer(at: "maxRecipients")
        maxHeaderSize = try json.integer(at: "maxHeaderSize")
        maxReceivedFields = try json.integer(at: "maxReceivedFields")
        maxConnections = try json.integer(at: "maxConnections")
        maxMemory = try json.integer(at: "maxMemory")
        greetingTimeout = try json.number(at: "greetingTimeout")
        commandTimeout = try json.number(at: "commandTimeout")
        dataTimeout = try json.number(at: "dataTimeout")
        minDataRate = try json.integer(at: "minDataRate")
        handshakeTimeout = try json.number(at: "handshakeTimeout")
        rejectOwnDomainsFromOutside = try json.boolean(at: "rejectOwnDomainsFromOutside")
        senderMustBelongToLogin = try json.boolean(at: "senderMustBelongToLogin")
        headerFromMustBelongToLogin = try json.boolean(at: "headerFromMustBelongToLogin")
        hideClientAddress = try json.boolean(at: "hideClientAddress")
        repairLineEndings = try json.boolean(at: "repairLineEndings")
        maxCommandErrors = try json.integer(at: "maxCommandErrors")
        capabilities.withheld = try json.strings(at: "withheld")
        capabilities.mechanisms = try json.strings(at: "mechanisms")
        capabilities.offersOldAuthentication = try json.boolean(at: "offersOldAuthentication")
    }
}
