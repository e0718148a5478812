// SPDX-License-Identifier: Apache-2.0

/// `POP3Services`, `wMailServerSettings` and `TLSSettings`.
extension ConfigurationReader {
    func readPOP3(_ section: ConfigurationSection, into result: inout Configuration) {
        _ = section["settings"]?.section { readSettings($0, into: &result) }
        readServices(section["services"], .pop3, into: &result)
    }

    private func readSettings(_ section: ConfigurationSection, into result: inout Configuration) {
        var settings = result.mailboxAccess
        if let megabytes = section["maxSpeed"]?.number(0...10_000, "MB/s") {
            // A fraction too small to count is still a limit: the Python program made 0.5 unlimited.
            settings.maxSpeed = megabytes > 0 ? max(1024, Int(megabytes * 1_048_576)) : 0
        }
        set(&settings.maxConnections, section["maxConnections"], 1...1_000_000, "connections")
        if let field = section["idleTimeout"], let seconds = field.number(1...86_400, "seconds") {
            settings.idleTimeout = seconds
            if seconds < 600 {
                field.warn(
                    "clients may count on 600 seconds (RFC 1939 §3)",
                    "remove the key, unless you mean it")
            }
        }
        set(&settings.greetingTimeout, section["greetingTimeout"], 1...3600)
        set(&settings.handshakeTimeout, section["handshakeTimeout"], 1...600)
        set(&settings.loginDelay, section["loginDelay"], 0...86_400, "seconds")
        set(&settings.trashDays, section["pop3TrashDays"], 0...3650, "days")
        set(&result.pop3Workers, section["workers"], 1...256, "processes")
        result.mailboxAccess = settings
    }

    func readSecurity(_ section: ConfigurationSection, into result: inout Configuration) {
        if let field = section["tempPath"], let path = field.text(),
            !["", "./temp", "temp"].contains(path)
        {
            field.warn(
                "messages are written straight into queue/tmp, so \(path) stays empty",
                "remove the key")
        }
        var settings = result.security
        set(&settings.maxFailedLogins, section["ipMaxPwdTry"], 1...1_000_000, "failed logins")
        set(&settings.failedLoginBlockSeconds, section["ipBlockSeconds"], 0...31_536_000, "seconds")
        set(&settings.maxCommandErrors, section["maxCmdError"], 1...1_000_000, "errors")
        set(
            &settings.commandErrorBlockSeconds, section["cmdBlockSeconds"], 0...31_536_000,
            "seconds")
        set(
            &settings.maxConnectionsPerClient, section["maxConnectionsPerClient"], 0...1_000_000,
            "connections")
        set(
            &settings.maxConnectionsPerMinute, section["maxConnectionsPerMinute"], 0...1_000_000,
            "connections")
        if let networks = section["unlimitedConnectionsFrom"]?.networks() {
            settings.unlimitedConnectionsFrom = networks
        }
        settings.neverBlock = section["neverBlock"]?.networks() ?? []
        set(
            &settings.rememberLoginSeconds, section["rememberLoginSeconds"], 0...86_400, "seconds")
        result.security = settings
        result.reception.maxCommandErrors = settings.maxCommandErrors
        result.mailboxAccess.maxCommandErrors = settings.maxCommandErrors
    }

    func readTLS(_ section: ConfigurationSection, into result: inout Configuration) {
        result.tls.minimumVersion =
            section["minVersion"]?.word(["1.2": .tls12, "1.3": .tls13]) ?? .tls12
        result.tls.ciphers = section["ciphers"]?.name()
        result.tls.cipherSuites = section["cipherSuites"]?.name()
        set(&result.tls.usesTickets, section["sessionTickets"])
    }
}
