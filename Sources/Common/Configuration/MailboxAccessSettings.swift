// SPDX-License-Identifier: Apache-2.0

/// `POP3Services.settings`: how pop3d serves.
package struct MailboxAccessSettings: Equatable, Sendable {
    /// `maxSpeed`, there in MB/s (2^20): octets per second that a session may fetch; 0 is no limit.
    package var maxSpeed = 0
    /// `maxConnections` of all POP3 services and workers together.
    package var maxConnections = 10_000
    /// `idleTimeout`: seconds without a command (RFC 1939 §3 wants 600).
    package var idleTimeout = 600.0
    /// `greetingTimeout`: seconds from the greeting to the login.
    package var greetingTimeout = 60.0
    /// `handshakeTimeout`: seconds for a TLS handshake.
    package var handshakeTimeout = 10.0
    /// `loginDelay`: seconds between two logins to one mailbox (RFC 2449 §6.5); 0 is none.
    package var loginDelay = 0
    /// `pop3TrashDays`: days that deleted messages are kept aside; 0 is not at all.
    package var trashDays = 0.0
    /// `wMailServerSettings.maxCmdError`: so many command errors end a session.
    package var maxCommandErrors = 5

    /// All defaults.
    package init() {}
}

extension MailboxAccessSettings {
    /// For a slice.
    package var json: JSON {
        [
            "maxSpeed": .integer(maxSpeed), "maxConnections": .integer(maxConnections),
            "idleTimeout": .number(idleTimeout), "greetingTimeout": .number(greetingTimeout),
            "handshakeTimeout": .number(handshakeTimeout), "loginDelay": .integer(loginDelay),
            "trashDays": .number(trashDays), "maxCommandErrors": .integer(maxCommandErrors),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        maxSpeed = try json.integer(at: "maxSpeed")
        maxConnections = try json.integer(at: "maxConnections")
        idleTimeout = try json.number(at: "idleTimeout")
        greetingTimeout = try json.number(at: "greetingTimeout")
        handshakeTimeout = try json.number(at: "handshakeTimeout")
        loginDelay = try json.integer(at: "loginDelay")
        trashDays = try json.number(at: "trashDays")
        maxCommandErrors = try json.integer(at: "maxCommandErrors")
    }
}
