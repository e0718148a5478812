// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import SMTP
import TLS

/// The configuration in the session's terms.
nonisolated extension ServerSettings {
    /// Takes what is configured for a listener; `canStartTLS` is whether it has a certificate and no TLS yet.
    init(_ listener: ListenerSettings, _ settings: ReceptionSettings, canStartTLS: Bool) {
        // A host name that is no domain was refused with the configuration.
        let domain = Domain(listener.hostname) ?? Domain("localhost")
        guard let domain else { preconditionFailure("localhost is a domain") }
        self.init(hostName: listener.hostname, postmasterDomain: domain)
        let withheld = Set(settings.capabilities.withheld)
        offersTLS = canStartTLS && !withheld.contains("STARTTLS")
        authentication =
            switch listener.auth {
            case .none: .none
            case .optional: withheld.contains("AUTH") ? .none : .optional
            case .required: .required
            }
        let words: [(String, Extensions)] = [
            ("PIPELINING", .pipelining), ("SIZE", .size), ("8BITMIME", .eightBitMIME),
            ("SMTPUTF8", .smtpUTF8),
        ]
        for (word, offered) in words where withheld.contains(word) { extensions.remove(offered) }
        // SMTPUTF8 means nothing without 8BITMIME (RFC 6531 §3.1).
        if !extensions.contains(.eightBitMIME) { extensions.remove(.smtpUTF8) }
        mechanisms = settings.capabilities.mechanisms.compactMap {
            SASLExchange.Mechanism(name: $0.utf8)
        }
        offersOldAuthentication = settings.capabilities.offersOldAuthentication
        maxMessageSize = settings.maxMessageSize
        maxRecipients = settings.maxRecipients
        maxHeaderSize = settings.maxHeaderSize
        maxReceived = settings.maxReceivedFields
        maxCommandErrors = settings.maxCommandErrors
        if listener.auth == .required {
            maxTextLine = 998
            repairsLineEnds = settings.repairLineEndings
        }
    }
}

extension TLSParameters {
    init(_ facts: TLSFacts) {
        self.init(version: facts.version, cipher: facts.cipher, bits: facts.bits)
    }
}
