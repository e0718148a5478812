// SPDX-License-Identifier: Apache-2.0

extension LocalMX {
    /// Checks the text of a `localMX.json`.
    ///
    /// - Throws: Everything that is wrong, in the order of the file.
    package static func read(
        _ bytes: [UInt8], file: String
    ) throws(ConfigurationError) -> (LocalMX, warnings: [ConfigurationProblem]) {
        let report = ConfigurationReport(file: file)
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes, sizeLimit: 4 << 20)
        } catch {
            throw ConfigurationError(error, file: file)
        }
        let whole = ConfigurationField(
            json: json, key: "", path: "", pattern: "", place: json.place, report: report)
        var routes: [Route] = []
        for entry in whole.entries() ?? [] {
            if let route = route(entry) { routes.append(route) }
        }
        try report.finish()
        return (LocalMX(routes: routes), report.warnings)
    }

    private static func route(_ entry: ConfigurationField) -> Route? {
        var domain = entry.key.lowercased()
        if domain.hasSuffix(".") { domain.removeLast() }
        if !HostName.isValid(domain) {
            entry.fail("\"\(entry.key)\" is no domain", "give a name such as \"example.org\"")
        }
        return entry.section { section in
            let smtp = section["smtp"]
            // The Python program looked at "mx" only where there was no "smtp".
            let mx = section["mx"]
            let hosts = smtp?.hosts() ?? mx?.hosts() ?? []
            let ports = section["ports"]?.list { $0.port() } ?? []
            if smtp == nil, mx == nil {
                section.fail("names no server", "add \"smtp\": \"mail.example.org\"")
            }
            if let host = hosts.first(where: submissionOnly.contains) {
                (smtp ?? mx)?.warn(
                    "\(host) takes mail from its own customers only, so mail for \(domain) would come back",
                    "remove the entry; the DNS knows the right servers")
            }
            return Route(domain: domain, hosts: hosts, ports: ports)
        }
    }

    /// Servers of the table that the Python program wrote at its first start: they serve customers who log in, and
    /// never took mail from other hosts.
    private static let submissionOnly: Set<String> = [
        "smtp.163.com", "smtp.126.com", "smtp.139.com", "smtp.qq.com", "smtp.gmail.com",
        "smtp.sina.com", "smtp.sohu.com", "smtp.mail.yahoo.cn", "smtp.live.com", "smtp.263.net",
    ]
}

extension ConfigurationField {
    /// A host or a list of hosts.
    fileprivate func hosts() -> [String]? {
        json.string == nil ? list { $0.host() } : host().map { [$0] }
    }
}
