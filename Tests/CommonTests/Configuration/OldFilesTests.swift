// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

/// Files that work with the Python program must work here, and mean what their writers believed.
@Suite struct OldFilesTests {
    static let written = """
        {
            "SMTPServices": {
                "settings": {
                    "capabilities": ["PIPELINING", "SIZE 73400320", "STARTTLS", "AUTH LOGIN PLAIN", "AUTH=LOGIN", "SMTPUTF8", "8BITMIME"],
                    "timeout": 5, "ioTimeout": 60, "maxMessageSize": 50, "maxRecipients": 5, "directPorts": [25]
                },
                "services": {
                    "25": { "bindIP": "0.0.0.0", "ssl": false, "userGroup": "default" },
                    "465": { "bindIP": "0.0.0.0", "ssl": true, "userGroup": "default" }
                },
                "MailRelay": {
                    "enable": false, "relayHost": "", "relayPort": 25, "relayUsername": "",
                    "relayPassword": "", "ssl": false, "useRelayUsernameAsSender": true
                },
                "SMTPWhiteList": { "mode": "disable", "whitelist": [], "blacklist": [] }
            },
            "POP3Services": {
                "services": {
                    "110": { "bindIP": "0.0.0.0", "ssl": false, "userGroup": "default" },
                    "995": { "bindIP": "0.0.0.0", "ssl": true, "userGroup": "default" }
                },
                "settings": { "maxSpeed": 1 }
            },
            "UserGroups": {
                "default": {
                    "errorPath": "./config/error.txt",
                    "sslCert": { "cert": "./config/ssl/cert.pem", "key": "./config/ssl/key.pem", "ca": "./config/ssl/ca.pem" }
                }
            },
            "wMailServerSettings": { "tempPath": "./temp", "ipMaxPwdTry": 5, "ipBlockSeconds": 3600, "maxCmdError": 5, "cmdBlockSeconds": 60 }
        }
        """

    @Test func understandsTheFileOfAFirstStart() throws {
        let result = try configuration(Self.written)
        let listeners = result.listeners.map { "\($0.service) \($0.address) \($0.implicitTLS)" }
        #expect(
            listeners == [
                "smtp 0.0.0.0:25 false", "smtp 0.0.0.0:465 true", "pop3 0.0.0.0:110 false",
                "pop3 0.0.0.0:995 true",
            ])
        // Hosts whose port 25 is blocked find each other on 465, so no login is demanded there.
        #expect(result.listeners.allSatisfy { $0.auth == .optional && $0.allowRelayFrom.isEmpty })
        #expect(result.reception.maxMessageSize == 52_428_800)
        #expect(result.reception.maxRecipients == 5)
        #expect(result.reception.capabilities.withheld.isEmpty)
        #expect(result.reception.capabilities.mechanisms == ["LOGIN", "PLAIN"])
        #expect(result.reception.capabilities.offersOldAuthentication)
        #expect(result.transmit.connectTimeout == 5)
        #expect(result.transmit.replyTimeout == 60)
        #expect(result.transmit.methods == [.relay, .direct])
        #expect(result.smarthosts.isEmpty)
        #expect(result.mailboxAccess.maxSpeed == 1_048_576)
        #expect(!result.anonymousRelay.isAllowed)
        let files = try #require(result.groups.first?.certificates.first)
        #expect(files.certificate == "/srv/mail/config/ssl/cert.pem")
        #expect(files.authority == "/srv/mail/config/ssl/ca.pem")
        #expect(
            result.warnings.map(\.key) == [
                "UserGroups.default.errorPath", "SMTPServices.settings.maxRecipients",
            ])
    }

    @Test func understandsTheBenchmark() throws {
        let result = try configuration(
            """
            {
              "SMTPServices": {
                "settings": { "timeout": 30, "ioTimeout": 60, "maxMessageSize": 64, "maxRecipients": 100, "directPorts": [25] },
                "services": {
                  "2525": { "bindIP": "127.0.0.1", "userGroup": "default", "ssl": false , "allowRelayFrom": ["127.0.0.1"] },
                  "2587": { "bindIP": "127.0.0.1", "userGroup": "default", "ssl": false , "auth": "required" }
                },
                "MailRelay": { "enable": true, "relayHost": "127.0.0.1", "relayPort": 2600, "relayUsername": "", "relayPassword": "", "ssl": false },
                "SMTPWhiteList": { "mode": "whitelist", "whitelist": ["remote.test"], "blacklist": [] }
              },
              "SMTPSettings": { "allowAnonymousRelay": true },
              "mailTry": ["relay"],
              "POP3Services": {
                "services": { "2110": { "bindIP": "127.0.0.1", "userGroup": "default", "ssl": false  }, "2995": { "bindIP": "127.0.0.1", "userGroup": "default", "ssl": true  } },
                "settings": { "maxSpeed": 0, "maxConnections": 1000 }
              },
              "UserGroups": { "default": { "sslCert": { "cert": "./config/ssl/cert.pem", "key": "./config/ssl/key.pem" } } },
              "wMailServerSettings": { "ipMaxPwdTry": 5, "ipBlockSeconds": 60, "maxCmdError": 5, "cmdBlockSeconds": 60 }
            }
            """)
        #expect(result.warnings.isEmpty)
        #expect(result.listeners.map(\.name) == ["smtp", "submission", "pop3", "pop3"])
        #expect(result.listeners.first?.allowRelayFrom.map(\.description) == ["127.0.0.1"])
        #expect(result.anonymousRelay.permits(localPart: "a", domain: "remote.test"))
        #expect(!result.anonymousRelay.permits(localPart: "a", domain: "example.com"))
        #expect(result.smarthosts == [Smarthost(host: "127.0.0.1", port: 2600)])
        #expect(result.transmit.methods == [.relay])
        #expect(result.mailboxAccess.maxConnections == 1000)
        #expect(result.security.failedLoginBlockSeconds == 60)
    }

    @Test func understandsSnakeCase() throws {
        let text = """
            { "smtp_services": {
                "settings": { "io_timeout": 7, "ioTimeout": 7, "max_message_size": 1, "max_recipients": 200, "direct_ports": ["465", 25] },
                "services": { "25": { "bind_ip": "127.0.0.1", "ssl": false, "user_group": "default", "bindIP": "127.0.0.1", "userGroup": "default" } },
                "mail_relay": { "enable": true, "relay_host": "Smart.Example", "port": 465, "relay_username": "u", "relay_password": "p", "useSSL": true, "use_relay_username_as_sender": true },
                "smtp_whitelist": { "mode": "Blacklist", "blacklist": [" *.bad "] } },
              "user_groups": { "default": { "error_path": "", "ssl_cert": {} } },
              "wmailserver_settings": { "temp_path": "./temp", "ip_max_pwd_try": 3 },
              "api_server": { "enabled": true }, "integrations": { "nexora": {} },
              "SMTPSettings": { "disable_ssl_ports": false } }
            """
        let result = try configuration(text)
        #expect(result.reception.maxMessageSize == 1 << 20)
        #expect(result.transmit.directPorts == [465, 25])
        #expect(result.security.maxFailedLogins == 3)
        let smarthost = try #require(result.smarthosts.first)
        #expect(smarthost.host == "smart.example" && smarthost.port == 465 && smarthost.implicitTLS)
        #expect(smarthost.usesUsernameAsSender && smarthost.startTLS == .required)
        #expect(smarthost.connectTimeout == 30)
        #expect(!result.anonymousRelay.mode.rawValue.isEmpty)
        #expect(result.anonymousRelay.blacklist == [Wildcard("*.bad")])
        #expect(result.warnings.map(\.key) == ["api_server", "integrations"])
    }

    @Test func obeysTheHiddenSettings() throws {
        let result = try configuration(
            minimal(
                top: """
                    SMTPSettings: { connectTimeout: 9, timeout: 8, ioTimeout: 7.5, starttlsEnable: false },
                    nodirect: ["Example.COM", ".example.net"], mailTry: ["DIRECT", "relay"],
                    """, settings: "timeout: 1, ioTimeout: 2",
                service: "bindIP: ['127.0.0.1', '::1'], ssl: true"))
        #expect(result.transmit.connectTimeout == 9)
        #expect(result.transmit.replyTimeout == 7.5)
        #expect(!result.transmit.usesStartTLS)
        #expect(result.transmit.noDirect == ["example.com", "example.net"])
        #expect(result.transmit.methods == [.direct, .relay])
        #expect(result.listeners.map(\.address.description) == ["127.0.0.1:25", "[::1]:25"])
    }

    @Test func disablesImplicitTLSAsAsked() throws {
        let cases = [
            ("true", false), ("[25]", false), ("['25', 465]", false), ("[465]", true), ("[]", true),
            ("false", true),
        ]
        for (value, expected) in cases {
            let result = try configuration(
                minimal(top: "SMTPSettings: { disableSslPorts: \(value) }", service: "ssl: true"))
            #expect(result.listeners.map(\.implicitTLS) == [expected], "\(value)")
            #expect(
                result.warnings.map(\.key) == (expected ? [] : ["SMTPSettings.disableSslPorts"]))
        }
    }

    /// Files that hold both of two names, because one of them was dead in some version.
    @Test func choosesBetweenTwoNames() throws {
        let result = try configuration(
            minimal(
                smtp: """
                    MailRelay: { enable: true, relayHost: 'h', relayPort: 465, port: 25, ssl: false, useSSL: true,
                        useRelayUserAsSender: false, useRelayUsernameAsSender: true }
                    """))
        let smarthost = try #require(result.smarthosts.first)
        #expect(smarthost.port == 465 && smarthost.implicitTLS && smarthost.usesUsernameAsSender)
        #expect(
            result.warnings.map(\.key) == [
                "SMTPServices.MailRelay.port", "SMTPServices.MailRelay.useRelayUserAsSender",
            ])
    }

    @Test func offersWhatIsListed() throws {
        let result = try configuration(
            minimal(settings: "capabilities: ['SIZE 1', 'AUTH PLAIN', 'dsn', 'XCLIENT']"))
        let capabilities = result.reception.capabilities
        #expect(capabilities.withheld == ["PIPELINING", "STARTTLS", "SMTPUTF8", "8BITMIME"])
        #expect(capabilities.mechanisms == ["PLAIN"])
        #expect(!capabilities.offersOldAuthentication)
        #expect(result.warnings.map(\.key) == ["SMTPServices.settings.capabilities[3]"])
    }
}
