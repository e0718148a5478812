// SPDX-License-Identifier: Apache-2.0
import Common

/// What the counters are called where people and Prometheus see them.
extension Counter {
    /// Whether a service has anything to count here.
    func belongs(to service: String) -> Bool {
        switch self {
        case .landlock, .seccomp, .ready: service != "master"
        case .connections, .accepted, .refused, .handshakes, .handshakesFailed:
            service == "smtpd" || service == "pop3d"
        case .storageUnreadable: ["transmit", "deliver", "pop3d"].contains(service)
        case .storageUnwritable: ["transmit", "deliver", "smtpd"].contains(service)
        case .messagesQueued, .octetsQueued, .recipientsQueued, .commitMicroseconds,
            .transactionsFailed:
            service == "smtpd"
        case .logins, .loginsRefused, .blocked: service == "authd"
        case .delivered, .octetsDelivered, .corrupt, .postponed: service == "deliver"
        case .sent, .deferred, .bounced: service == "transmit"
        case .mailboxesOpened, .messagesFetched, .octetsFetched, .messagesDeleted:
            service == "pop3d"
        }
    }

    /// For people.
    var words: String {
        switch self {
        case .connections: "open connections"
        case .landlock: "version of Landlock that holds"
        case .seccomp: "whether a system-call filter holds"
        case .ready: "whether it serves"
        case .blocked: "networks and users blocked"
        case .storageUnreadable: "whether files cannot be read"
        case .storageUnwritable: "whether files cannot be written"
        case .accepted: "connections accepted"
        case .refused: "connections refused"
        case .handshakes: "TLS handshakes"
        case .handshakesFailed: "TLS handshakes failed"
        case .logins: "logins"
        case .loginsRefused: "logins refused"
        case .messagesQueued: "messages taken"
        case .octetsQueued: "octets taken"
        case .recipientsQueued: "recipients taken"
        case .commitMicroseconds: "microseconds until messages were safe"
        case .transactionsFailed: "messages that could not be stored"
        case .delivered: "messages delivered"
        case .octetsDelivered: "octets delivered"
        case .corrupt: "entries moved to corrupt"
        case .postponed: "deliveries postponed"
        case .sent: "recipients accepted elsewhere"
        case .deferred: "recipients deferred"
        case .bounced: "recipients refused for good"
        case .mailboxesOpened: "mailboxes opened"
        case .messagesFetched: "messages fetched"
        case .octetsFetched: "octets fetched"
        case .messagesDeleted: "messages deleted"
        }
    }

    var isOctets: Bool {
        self == .octetsQueued || self == .octetsDelivered || self == .octetsFetched
    }

    /// For Prometheus: base units, and `_total` for what only grows.
    var metric: String {
        switch self {
        case .commitMicroseconds: return "wmail_commit_microseconds_total"
        case .octetsQueued: return "wmail_queued_bytes_total"
        case .octetsDelivered: return "wmail_delivered_bytes_total"
        case .octetsFetched: return "wmail_fetched_bytes_total"
        default:
            var text = "wmail_"
            for character in name {
                if character.isUppercase { text.append("_") }
                text += character.lowercased()
            }
            return isGauge ? text : text + "_total"
        }
    }
}
