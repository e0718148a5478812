// SPDX-License-Identifier: Apache-2.0

/// The files that a first start in an empty folder begins with: safe until somebody opens them up.
///
/// Loopback only, no account with a known password, no smarthost, no client that may relay.
package struct InitialFiles: Equatable, Sendable {
    /// The ports of the five services; those of a demonstration need no privilege.
    package struct Ports: Equatable, Sendable {
        /// For other servers.
        package var smtp: UInt16
        /// SMTP with TLS from the first octet.
        package var smtps: UInt16
        /// For people's mail programs.
        package var submission: UInt16
        /// POP3 with STLS.
        package var pop3: UInt16
        /// POP3 with TLS from the first octet.
        package var pop3s: UInt16

        /// With every value given.
        package init(
            smtp: UInt16, smtps: UInt16, submission: UInt16, pop3: UInt16, pop3s: UInt16
        ) {
            self.smtp = smtp
            self.smtps = smtps
            self.submission = submission
            self.pop3 = pop3
            self.pop3s = pop3s
        }

        /// Those that other programs expect; they need privileges.
        package static let wellKnown = Self(
            smtp: 25, smtps: 465, submission: 587, pop3: 110, pop3s: 995)

        /// Those that anybody may open.
        package static let demonstration = Self(
            smtp: 2525, smtps: 2465, submission: 2587, pop3: 2110, pop3s: 2995)
    }

    /// Where the services listen.
    package var ports: Ports
    /// The first mail domain.
    package var domain: String
    /// nil for the system's name.
    package var hostname: String?
    /// On which addresses all services listen.
    package var addresses = ["127.0.0.1"]
    /// Through whom mail for other domains leaves; nil for directly.
    package var smarthost: Smarthost?

    /// With every value given; on this machine alone and without a smarthost.
    package init(
        ports: Ports = .wellKnown, domain: String = "localhost", hostname: String? = nil
    ) {
        self.ports = ports
        self.domain = domain
        self.hostname = hostname
    }

    /// The value of each `bindIP`.
    private var bindIP: String {
        addresses.count == 1
            ? JSON.string(addresses[0]).compact : JSON.strings(addresses).pretty
    }

    /// The members of `MailRelay`.
    private var mailRelay: String {
        func quoted(_ text: String) -> String { JSON.string(text).compact }
        let tls = smarthost?.implicitTLS == true ? "\n            \"ssl\": true," : ""
        return """
            "enable": \(smarthost != nil),
                        "relayHost": \(quoted(smarthost?.host ?? "")),
                        "relayPort": \(smarthost?.port ?? 587),\(tls)
                        "relayUsername": \(quoted(smarthost?.username ?? "")),
                        "relayPassword": \(quoted(smarthost?.password ?? ""))
            """
    }

    /// `config/config.json`.
    package var configuration: String {
        """
        // wMailServer's configuration. Comments and trailing commas are allowed; a mistake stops the start with
        // the line and what to do, and changes count after a reload (SIGHUP).
        {
        \(hostname.map { "    \"hostname\": \(JSON.string($0).compact)," } ?? """
                // What this host calls itself; should be its name in the DNS.
                // "hostname": "mail.example.org",
            """)

            "SMTPServices": {
                "settings": {
                    // MB of one message, recipients of one message.
                    "maxMessageSize": 50,
                    "maxRecipients": 100
                },
                "services": {
                    // "127.0.0.1" is this machine only. To be reached from outside: ["0.0.0.0", "::"].
                    // Mail from other servers; and from programs of this machine, which may use its own addresses.
                    "\(ports.smtp)": {
                        "bindIP": \(bindIP), "ssl": false, "userGroup": "default",
                        "acceptOwnDomainsFrom": ["127.0.0.0/8", "::1"]
                    },
                    // People's mail programs, with TLS from the first octet; and servers whose port 25 is blocked.
                    "\(ports.smtps)": { "bindIP": \(bindIP), "ssl": true, "userGroup": "default" },
                    // People's mail programs, with STARTTLS; nobody else.
                    "\(ports.submission)": { "bindIP": \(bindIP), "ssl": false, "userGroup": "default", "auth": "required" }
                },
                // A server that takes our mail for the rest of the world.
                "MailRelay": {
                    \(mailRelay)
                }
            },
            "POP3Services": {
                "services": {
                    "\(ports.pop3)": { "bindIP": \(bindIP), "ssl": false, "userGroup": "default" },
                    "\(ports.pop3s)": { "bindIP": \(bindIP), "ssl": true, "userGroup": "default" }
                }
            },
            // Their users and domains are in usermanager/<group>/group.json.
            "UserGroups": {
                "default": {
                    "errorPath": "./config/error.txt",
                    // Made by the first start for tests, and trusted by nobody: put your own here.
                    "sslCert": { "cert": "./config/ssl/cert.pem", "key": "./config/ssl/key.pem" }
                }
            },
            // How mail for other domains leaves, in order: through MailRelay, directly to the domain's servers.
            "mailTry": \(smarthost == nil ? "[\"relay\", \"direct\"]" : "[\"relay\"]")
        }

        """
    }

    /// `usermanager/<group>/group.json`, with one user if there is a password for it.
    ///
    /// A plain password is replaced by its hash when the server starts.
    package func group(
        named group: String = "default", user: String? = nil, password: String = ""
    ) -> String {
        let users =
            user.map { name in
                """
                        \(JSON.string(name).compact): {
                            "password": \(JSON.string(password).compact),
                            "permissions": ["receive", "sendlocal", "sendrelay", "sendoutside"]
                        }
                """
            }
                ?? """
                        // "alice": {
                        //     "password": "type it here; it is replaced by its hash when the server starts",
                        //     "permissions": ["receive", "sendlocal", "sendrelay", "sendoutside"]
                        // }
                """
        return """
            // The users of group \(JSON.string(group).compact).
            // receive: mail is taken in. A login may send, sendlocal: to users of this group; sendrelay: to other
            // domains through the smarthost; sendoutside: to other domains directly.
            {
                "users": {
            \(users)
                },
                // Mail domains; the first is that of the users' own addresses.
                "bindDomains": [\(JSON.string(domain).compact)]
            }

            """
    }

    /// `config/localMX.json`.
    package var localMX: String {
        """
        // Domains whose mail goes to servers that you name, whatever the DNS says; also serves their subdomains.
        {
            // "friend.example": { "smtp": "mail.friend.example", "ports": [465, 25] }
        }

        """
    }

    /// `config/error.txt`, which is also used where a group has no template of its own.
    package static let reportTemplate = """
        Date: $TIME
        From: <$MAIL_FROM>
        To: <$MAIL_TO>
        Message-ID: <$ERROR_MAIL_ID@$USERGROUP_DOMAIN>
        Subject: $TITLE
        MIME-Version: 1.0
        Content-Type: text/html; charset="UTF-8"

        <div style="font-family: sans-serif; max-width: 40em; margin: 1em auto; padding: 1em; \
        border: 1px solid $ACCENT_COLOR; background-color: $BGCOLOR; color: $FONTCOLOR;">
            <h2 style="color: $HEADER_COLOR;">$TITLE</h2>
            <p>This is about your message &ldquo;$SUBJECT&rdquo; to <strong>$RECIPIENT</strong>.</p>
            <p>$REASON</p>
            <p>$DETAIL</p>
            $DSN_TABLE
            <pre>$ORIGINAL</pre>
            <p style="font-size: small;">\
        This message was made by the mail server of $USERGROUP_DOMAIN at $TIME.</p>
        </div>

        """
}
