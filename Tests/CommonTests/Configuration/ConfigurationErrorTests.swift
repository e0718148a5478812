// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct ConfigurationErrorTests {
    /// Mistakes in a small configuration, and the whole line that the operator reads.
    static let mistakes: [(String, String)] = [
        ("", "config.json:1:1: the text ends where a value is expected"),
        ("[]", "config.json:1:1: is a list; give an object in { }"),
        (
            "{}",
            "config.json:1:1: no service is configured, so nobody could reach this server; add one to SMTPServices.services, such as \"25\": { \"userGroup\": \"default\" }"
        ),
        ("{\n\"a\": 1,\n\"a\": 2}", "config.json:3:1: key \"a\" was already given on line 2"),
        (
            minimal(top: "smtpServices: {}"),
            "config.json:4:1: smtpServices: unknown key; did you mean \"SMTPServices\"?"
        ),
        (
            minimal(settings: "maxRecipient: 1"),
            "config.json:2:28: SMTPServices.settings.maxRecipient: unknown key; did you mean \"maxRecipients\"?"
        ),
        (
            minimal(service: "bindIp: '::'"),
            "config.json:2:73: SMTPServices.services.25.bindIp: unknown key; did you mean \"bindIP\"?"
        ),
        (
            minimal(service: "zzzzzzzz: 1"),
            "config.json:2:73: SMTPServices.services.25.zzzzzzzz: unknown key; known here are bindIP, ssl, userGroup, hostname, proxyProtocol, auth, allowRelayFrom, acceptOwnDomainsFrom"
        ),
        (
            minimal(service: "ssl: 'yes'"),
            "config.json:2:73: SMTPServices.services.25.ssl: is a text; give true or false"
        ),
        (
            minimal(settings: "maxMessageSize: '50'"),
            "config.json:2:28: SMTPServices.settings.maxMessageSize: is a text; give a number of MB"
        ),
        (
            minimal(settings: "maxMessageSize: 1e9"),
            "config.json:2:28: SMTPServices.settings.maxMessageSize: 1000000000 is out of range; give a number of MB from 0.001 to 2047"
        ),
        (
            minimal(settings: "maxRecipients: 1.5"),
            "config.json:2:28: SMTPServices.settings.maxRecipients: is a number; give a whole number of recipients"
        ),
        (
            minimal(settings: "maxRecipients: 0"),
            "config.json:2:28: SMTPServices.settings.maxRecipients: 0 is out of range; give a number of recipients from 1 to 50000"
        ),
        (
            minimal(settings: "directPorts: [25, 70000]"),
            "config.json:2:46: SMTPServices.settings.directPorts[1]: is a number; give a port from 1 to 65535"
        ),
        (
            minimal(service: "auth: 'requierd'"),
            "config.json:2:73: SMTPServices.services.25.auth: \"requierd\" is not known here; did you mean \"required\"?"
        ),
        (
            minimal(service: "allowRelayFrom: ['10.0.0.0/33']"),
            "config.json:2:90: SMTPServices.services.25.allowRelayFrom[0]: \"10.0.0.0/33\" is no address or range; give one such as \"192.0.2.0/24\" or \"2001:db8::/32\""
        ),
        (
            minimal(service: "allowRelayFrom: ['10.0.0.0/8', '0.0.0.0/0']"),
            "config.json:2:73: SMTPServices.services.25.allowRelayFrom: 0.0.0.0/0 would let everybody relay; name the networks whose hosts you know"
        ),
        (
            minimal(service: "proxyProtocol: '::/0'"),
            "config.json:2:73: SMTPServices.services.25.proxyProtocol: ::/0 would let every client claim any address; name the proxies' addresses"
        ),
        (
            minimal(service: "hostname: 'not a name'"),
            "config.json:2:73: SMTPServices.services.25.hostname: \"not a name\" is no host name; give a name such as \"mail.example.org\""
        ),
        (
            minimal(service: "bindIP: 'localhost'"),
            "config.json:2:73: SMTPServices.services.25.bindIP: \"localhost\" is no IP address; give one such as \"192.0.2.1\" or \"::1\""
        ),
        (
            minimal(top: "POP3Services: { services: { '110': { userGroup: 'defaut' } } }"),
            "config.json:4:38: POP3Services.services.110.userGroup: there is no group \"defaut\" in UserGroups; did you mean \"default\"?"
        ),
        (
            minimal(top: "POP3Services: { services: { '110': {} } }"),
            "config.json:4:29: POP3Services.services.110: has no userGroup; name one of UserGroups, such as \"userGroup\": \"default\""
        ),
        (
            minimal(top: "POP3Services: { services: { '0110': { userGroup: 'default' } } }"),
            "config.json:4:29: POP3Services.services.0110: \"0110\" is no port; give a number from 1 to 65535 in quotes"
        ),
        (
            minimal(
                top:
                    "POP3Services: { services: { '25': { userGroup: 'default', bindIP: '127.0.0.1' } } }"
            ),
            "config.json:4:29: POP3Services.services.25: 127.0.0.1:25 is already taken by the SMTP service at 0.0.0.0:25; choose another port or another bindIP"
        ),
        (
            "{SMTPServices: {services: {'465': {ssl: true, userGroup: 'a'}}}, UserGroups: {a: {}}}",
            "config.json:1:28: SMTPServices.services.465: has ssl, but group \"a\" has no certificate; add sslCert to UserGroups.a"
        ),
        (
            "{UserGroups: {'../a': {sslCert: {cert: 'x'}}}}",
            "config.json:1:15: UserGroups.../a: \"../a\" cannot be the name of a folder; a name begins with no dot or hyphen"
        ),
        (
            "{UserGroups: {a: {sslCert: {cert: 'x'}}}}",
            "config.json:1:19: UserGroups.a.sslCert: names only one of cert and key; give both"
        ),
        (
            minimal(settings: "ioTimeout: 5, io_timeout: 6"),
            "config.json:2:42: SMTPServices.settings.io_timeout: the same setting as \"ioTimeout\" on line 2, with another value; keep one of them"
        ),
        (
            minimal(top: "mailTry: ['relay', 'dirct']"),
            "config.json:4:20: mailTry[1]: \"dirct\" is not known here; did you mean \"direct\"?"
        ),
        (
            minimal(smtp: "MailRelay: { relayHost: 'a b' }"),
            "config.json:2:92: SMTPServices.MailRelay.relayHost: \"a b\" is no host; give a name such as \"mail.example.org\" or an address"
        ),
        (
            minimal(smtp: "MailRelay: { more: [{ relayPort: 25 }] }"),
            "config.json:2:99: SMTPServices.MailRelay.more[0]: has no relayHost; name the server"
        ),
        (
            minimal(top: "DeliverySettings: { nameservers: ['example.org'] }"),
            "config.json:4:35: DeliverySettings.nameservers[0]: \"example.org\" is no address; give one such as \"192.0.2.53\" or \"[2001:db8::53]:53\""
        ),
        (
            minimal(top: "hostname: 'a\\nb'"),
            "config.json:4:1: hostname: holds a control character; remove it"
        ),
    ]

    @Test(arguments: mistakes) func namesTheMistake(_ text: String, _ expected: String) {
        let error = #expect(throws: ConfigurationError.self) { try configuration(text) }
        #expect(error?.problems.map(\.description).contains(expected) == true, "\(error as Any)")
    }

    @Test func reportsAllMistakesInTheirOrder() {
        let error = #expect(throws: ConfigurationError.self) {
            try configuration(
                """
                {
                UserGroups: { default: { sslcert: {} } },
                SMTPServices: { services: { "25": { ssl: 1, userGroup: "other" } } },
                mailtry: [],
                }
                """)
        }
        #expect(error?.problems.map(\.line) == [2, 3, 3, 4])
    }

    @Test func warnsOfWhatHasNoEffect() throws {
        let cases: [(String, [String])] = [
            (minimal(), []),
            (minimal(top: "SMTPSettings: { allowAnonymousRelay: true }"), ["SMTPSettings"]),
            (
                minimal(
                    top: "SMTPSettings: { allowAnonymousRelay: true }",
                    service: "allowRelayFrom: '192.0.2.1'"), []
            ),
            (minimal(smtp: "MailRelay: { enable: true }"), ["SMTPServices.MailRelay.enable"]),
            (minimal(top: "mailTry: ['relay']"), ["mailTry"]),
            (
                minimal(top: "wMailServerSettings: { tempPath: '/tmp' }"),
                ["wMailServerSettings.tempPath"]
            ),
            (
                minimal(top: "SMTPSettings: { relayMode: 'off', relayList: [] }"),
                ["SMTPSettings.relayMode", "SMTPSettings.relayList"]
            ),
            (
                minimal(
                    smtp: "MailRelay: { relayHost: 'h', relayUsername: 'u', starttls: 'never' }"),
                ["SMTPServices.MailRelay.starttls"]
            ),
            (
                minimal(top: "POP3Services: { settings: { idleTimeout: 300, maxSpeed: 0.5 } }"),
                ["POP3Services.settings.idleTimeout"]
            ),
            (minimal(top: "DeliverySettings: { giveUpAfterDays: 0.1 }"), []),
            (
                minimal(top: "DeliverySettings: { giveUpAfterDays: 0.1, warnAfterHours: 4 }"),
                ["DeliverySettings.warnAfterHours"]
            ),
        ]
        for (text, expected) in cases {
            #expect(try configuration(text).warnings.map(\.key) == expected)
        }
    }

    @Test func resolvesPaths() {
        let root = Places(root: "/srv/mail/")
        let cases: [(Places, String, String)] = [
            (root, "./config/ssl/cert.pem", "/srv/mail/config/ssl/cert.pem"),
            (root, "certs/a.pem", "/srv/mail/certs/a.pem"), (root, "/etc/a.pem", "/etc/a.pem"),
            (.installed, "./config/ssl/cert.pem", "/etc/wmailserver/ssl/cert.pem"),
            (.installed, "config/error.txt", "/etc/wmailserver/error.txt"),
            (.installed, "x.txt", "/var/lib/wmailserver/x.txt"),
        ]
        for (places, path, expected) in cases { #expect(places.resolve(path) == expected) }
        #expect(root.configurationFile == "/srv/mail/config/config.json")
        #expect(root.groupFile("default") == "/srv/mail/usermanager/default/group.json")
    }

    @Test func keepsPasswordsToItself() throws {
        let result = try configuration(
            minimal(
                smtp:
                    "MailRelay: { enable: true, relayHost: 'h', relayUsername: 'u', relayPassword: 'geheim' }"
            ))
        #expect(result.smarthosts.first?.password == "geheim")
        var text = ""
        dump(result, to: &text)
        #expect(!"\(result)\(String(reflecting: result))\(text)".contains("geheim"))
    }

    @Test func namesTheFileThatIsMissing() {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.load(Places(root: "/dev/null/nowhere"))
        }
        #expect(
            error?.description.hasPrefix("/dev/null/nowhere/config/config.json: cannot be read")
                == true)
    }
}
