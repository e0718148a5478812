// SPDX-License-Identifier: Apache-2.0

/// `wMailServerSettings`: whom authd keeps out, and what it remembers.
package struct SecuritySettings: Equatable, Sendable {
    /// `ipMaxPwdTry`: so many failed logins block a client, SMTP and POP3 counted together.
    package var maxFailedLogins = 5
    /// `ipBlockSeconds`: for so long.
    package var failedLoginBlockSeconds = 3600
    /// `maxCmdError`: so many command errors of a client block it.
    package var maxCommandErrors = 5
    /// `cmdBlockSeconds`: for so long.
    package var commandErrorBlockSeconds = 60
    /// `maxConnectionsPerClient`: open connections of one address, all services together; 0 is no limit.
    package var maxConnectionsPerClient = 100
    /// `maxConnectionsPerMinute`: new connections of one address; 0 is no limit.
    package var maxConnectionsPerMinute = 600
    /// `unlimitedConnectionsFrom`: for whom the two limits above do not count; by default this machine.
    package var unlimitedConnectionsFrom = IPNetwork.loopback
    /// `neverBlock`: who is never blocked, whatever it does.
    package var neverBlock: [IPNetwork] = []
    /// `rememberLoginSeconds`: for so long a verified password need not be hashed again; 0 is never.
    package var rememberLoginSeconds = 300

    /// All defaults.
    package init() {}
}

extension SecuritySettings {
    /// For a slice.
    package var json: JSON {
        [
            "maxFailedLogins": .integer(maxFailedLogins),
            "failedLoginBlockSeconds": .integer(failedLoginBlockSeconds),
            "maxCommandErrors": .integer(maxCommandErrors),
            "commandErrorBlockSeconds": .integer(commandErrorBlockSeconds),
            "maxConnectionsPerClient": .integer(maxConnectionsPerClient),
            "maxConnectionsPerMinute": .integer(maxConnectionsPerMinute),
            "unlimitedConnectionsFrom": .networks(unlimitedConnectionsFrom),
            "neverBlock": .networks(neverBlock),
            "rememberLoginSeconds": .integer(rememberLoginSeconds),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        maxFailedLogins = try json.integer(at: "maxFailedLogins")
        failedLoginBlockSeconds = try json.integer(at: "failedLoginBlockSeconds")
        maxCommandErrors = try json.integer(at: "maxCommandErrors")
        commandErrorBlockSeconds = try json.integer(at: "commandErrorBlockSeconds")
        maxConnectionsPerClient = try json.integer(at: "maxConnectionsPerClient")
        maxConnectionsPerMinute = try json.integer(at: "maxConnectionsPerMinute")
        unlimitedConnectionsFrom = try json.networks(at: "unlimitedConnectionsFrom")
        neverBlock = try json.networks(at: "neverBlock")
        rememberLoginSeconds = try json.integer(at: "rememberLoginSeconds")
    }
}
