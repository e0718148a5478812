// SPDX-License-Identifier: Apache-2.0
@testable import Common

/// Reads a configuration as if it lay in /srv/mail, on a host with two processors.
func configuration(_ text: String) throws(ConfigurationError) -> Configuration {
    try ConfigurationFile.read(
        Array(text.utf8), file: "config.json", places: Places(root: "/srv/mail"),
        host: HostFacts(hostname: "mail.example.org", processors: 2))
}

/// A smallest configuration, with more members at the places named.
func minimal(top: String = "", smtp: String = "", settings: String = "", service: String = "")
    -> String
{
    """
    {
    SMTPServices: { settings: {\(settings)}, services: { "25": { userGroup: "default", \(service) } }, \(smtp) },
    UserGroups: { default: { sslCert: { cert: "./config/ssl/cert.pem", key: "./config/ssl/key.pem" } } },
    \(top)
    }
    """
}
