// SPDX-License-Identifier: Apache-2.0

/// Turns the text of a `config.json` into a ``Configuration``; the parts of the file have an extension each.
struct ConfigurationReader {
    let report: ConfigurationReport
    let places: Places
    let host: HostFacts

    func read(_ bytes: [UInt8]) throws(ConfigurationError) -> Configuration {
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes, sizeLimit: 4 << 20)
        } catch {
            throw ConfigurationError(error, file: report.file)
        }
        guard let members = json.members else {
            report.fail("", at: json.place, "is \(json.kind)", "give an object in { }")
            try report.finish()
            throw ConfigurationError(report.problems)
        }
        let file = ConfigurationSection(
            members, at: json.place, path: "", pattern: "", report: report)
        let result = configuration(file)
        file.finish()
        try report.finish()
        return result
    }

    private func configuration(_ file: ConfigurationSection) -> Configuration {
        var result = Configuration(
            places: places, hostname: file["hostname"]?.hostName() ?? host.hostname)
        result.smtpWorkers = host.processors
        result.pop3Workers = host.processors
        result.groups = groups(file["UserGroups"])

        // The order decides who has the last word: the hidden SMTPSettings is what the Python program obeyed.
        _ = file["SMTPServices"]?.section { readSMTP($0, into: &result) }
        _ = file["SMTPSettings"]?.section { readHiddenSMTP($0, into: &result) }
        _ = file["POP3Services"]?.section { readPOP3($0, into: &result) }
        readDelivery(file, into: &result)
        _ = file["TLSSettings"]?.section { readTLS($0, into: &result) }
        _ = file["wMailServerSettings", "wmailserver_settings"]?.section {
            readSecurity($0, into: &result)
        }
        for key in ["APIServer", "Integrations"] {
            file[key]?.warn("is not part of this server and has no effect", "remove it")
        }

        check(result, file)
        result.warnings = report.warnings
        return result
    }

    /// What only shows when everything is known.
    private func check(_ result: Configuration, _ file: ConfigurationSection) {
        if result.listeners.isEmpty, report.problems.isEmpty {
            file.fail(
                "no service is configured, so nobody could reach this server",
                "add one to SMTPServices.services, such as \"25\": { \"userGroup\": \"default\" }")
        }
        if result.anonymousRelay.isAllowed,
            result.listeners.allSatisfy({ $0.allowRelayFrom.isEmpty })
        {
            file["SMTPSettings"]?.warn(
                "allowAnonymousRelay has no effect: no service has allowRelayFrom",
                "name the clients that may relay without a login, such as \"allowRelayFrom\": [\"192.0.2.7\"]"
            )
        }
    }
}
