// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// What a new instance shall be, from options and answers.
struct InitPlan: Equatable {
    let domain: String
    let hostname: String
    let user: String?
    let smarthost: String?
    let smarthostUser: String?
    let listen: InitCommand.Listen
    let ports: InitialFiles.Ports

    /// Checks what can be checked before anything is written.
    ///
    /// - Throws: ``Failure`` with what is wrong.
    init(_ options: InitCommand, domain: String, system: String) throws(Failure) {
        let domain = try Self.domain(domain)
        let hostname = try Self.hostname(
            options.hostname ?? Self.hostname(domain: domain, system: system))
        let user = try options.user.map { word throws(Failure) in
            try Self.user(word, of: domain)
        }
        if options.direct, options.smarthost != nil {
            throw Failure("--direct and --smarthost exclude each other")
        }
        if options.smarthost == nil, options.smarthostUser != nil {
            throw Failure("--smarthost-user without --smarthost")
        }
        self.domain = domain
        self.hostname = hostname
        self.user = user
        smarthost = options.smarthost
        smarthostUser = options.smarthostUser
        listen = options.listen ?? .loopback
        ports =
            try options.ports.map { text throws(Failure) in try Self.ports(text) }
            ?? (geteuid() == 0 ? .wellKnown : .demonstration)
    }

    /// A domain, in small letters.
    static func domain(_ word: String) throws(Failure) -> String {
        guard HostName.isValid(word.lowercased()) else {
            throw Failure("\"\(word)\" is no domain", cure: "give one such as example.org")
        }
        return word.lowercased()
    }

    /// A host's name, in small letters.
    static func hostname(_ word: String) throws(Failure) -> String {
        guard HostName.isValid(word.lowercased()) else {
            throw Failure("\"\(word)\" is no host name", cure: "give one such as mail.example.org")
        }
        return word.lowercased()
    }

    /// A user's name, which people also write as an address of the domain.
    static func user(_ word: String, of domain: String) throws(Failure) -> String {
        let isAddress = word.lowercased().hasSuffix("@\(domain)")
        let name = try NewPassword.prepared(
            isAddress ? String(word.dropLast(domain.count + 1)) : word, as: "a user's name")
        if let advice = FolderName.fault(in: name) {
            throw Failure("\"\(word)\" cannot be a user's name", cure: advice)
        }
        return name
    }

    /// A smarthost, without its login.
    static func server(_ word: String) throws(Failure) -> Smarthost {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        let port = parts.count == 2 ? UInt16(parts[1]) : parts.count == 1 ? 587 : nil
        guard let port, port > 0, let host = parts.first, HostName.isValid(String(host)) else {
            throw Failure("\"\(word)\" is no server", cure: "give one such as smtp.example.net:587")
        }
        return Smarthost(host: String(host), port: port, implicitTLS: port == 465)
    }

    /// The system's name if it is one in the DNS, else a usual one of the domain.
    static func hostname(domain: String, system: String) -> String {
        system.contains(".") && !system.hasSuffix(".localdomain") ? system : "mail.\(domain)"
    }

    private static func ports(_ text: String) throws(Failure) -> InitialFiles.Ports {
        let numbers = text.split(separator: ",").compactMap { UInt16($0) }
        guard numbers.count == 5, Set(numbers).count == 5, !numbers.contains(0),
            text.split(separator: ",").count == 5
        else {
            throw Failure(
                "\"\(text)\" is not a list of five ports", cure: "--ports 25,465,587,110,995")
        }
        return InitialFiles.Ports(
            smtp: numbers[0], smtps: numbers[1], submission: numbers[2], pop3: numbers[3],
            pop3s: numbers[4])
    }

    /// The texts of the files.
    ///
    /// - Throws: ``Failure`` when the smarthost is none.
    func files(smarthostPassword: String) throws(Failure) -> InitialFiles {
        var files = InitialFiles(ports: ports, domain: domain, hostname: hostname)
        files.addresses = listen.addresses
        guard let smarthost else { return files }
        var server = try Self.server(smarthost)
        server.username = smarthostUser ?? ""
        server.password = smarthostPassword
        files.smarthost = server
        return files
    }
}

extension InitCommand {
    /// What has been made, what to publish, and how to go on.
    static func answer(
        _ plan: InitPlan, _ places: Places, addresses: [SocketAddress], password: String?
    ) -> Answer {
        let host = PublishedRecords.ofHost(plan.hostname, addresses: addresses)
        let domain = PublishedRecords.ofDomain(plan.domain, host: plan.hostname)
        let isInstalled = places == .installed
        let root = isInstalled ? "" : " --root \(places.state)"
        // systemd holds the sockets of an installed host, and a generator tells it where.
        let start =
            isInstalled
            ? [
                "systemctl daemon-reload",
                "systemctl restart 'wmailserver-*.socket' wmailserver.service",
            ] : ["/usr/lib/wmailserver/master\(root)"]
        var next = start + ["wmail check\(root)"]
        if plan.user == nil { next.append("wmail user add NAME@\(plan.domain)\(root)") }
        next.append("wmail check --network\(root)")
        let json: JSON = [
            "root": .string(places.state), "configuration": .string(places.configurationFile),
            "domain": .string(plan.domain), "hostname": .string(plan.hostname),
            "user": plan.user.map { .string("\($0)@\(plan.domain)") } ?? .null,
            "password": password.map(JSON.string) ?? .null,
            "records": .array((host + domain).map(\.json)), "next": .strings(next),
        ]
        return Answer(json: json) { palette in
            var text = "A new instance is in \(palette.strong(places.state)), "
            text += "its configuration in \(palette.strong(places.configurationFile)).\n"
            if let user = plan.user {
                text += "First user: \(palette.strong("\(user)@\(plan.domain)"))"
                text += password.map { ", password: \(palette.strong($0))\n" } ?? "\n"
            }
            text += "\nPublish in the DNS:\n\n" + PublishedRecords.text(host + domain)
            text += "\nGo on with:\n\n" + next.map { "  \($0)\n" }.joined()
            text += """

                The certificate is signed by itself. Put a real one into \(places.configuration)/ssl/
                (cert.pem with its chain, and key.pem), and reload.

                """
            if plan.listen == .loopback {
                text +=
                    "Nobody outside reaches the server yet: set bindIP to [\"0.0.0.0\", \"::\"].\n"
            }
            return text
        }
    }

    /// The addresses of this host that the world may reach.
    static func publicAddresses() -> [SocketAddress] {
        SystemNames.interfaceAddresses().filter(\.isPublic)
    }
}

extension SocketAddress {
    /// Whether others on the Internet may reach it: neither private, local nor reserved (RFC 6890).
    var isPublic: Bool {
        let special = [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
            "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "::/16", "fc00::/7", "fe80::/10",
            "2001:db8::/32", "ff00::/8",
        ]
        return !special.compactMap { IPNetwork($0) }.contains(self)
    }
}
