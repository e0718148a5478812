// SPDX-License-Identifier: Apache-2.0
import Common

/// A kind of worker; master starts them in this order.
enum Service: String, CaseIterable, Hashable, Sendable, CustomStringConvertible {
    /// First: the others ask it about their first client.
    case authd
    case deliver
    /// Several share one queue: each entry is worked on by whoever holds its lock.
    case transmit
    case smtpd
    case pop3d

    var description: String { rawValue }

    /// The program's file name, beside master's own.
    var program: String {
        switch self {
        case .authd: "authd"
        case .deliver, .transmit: "relayd"
        case .smtpd: "smtpd"
        case .pop3d: "pop3d"
        }
    }

    /// What the program is told on its command line, seen in ps(1).
    var arguments: [String] {
        switch self {
        case .deliver, .transmit: [rawValue]
        case .authd, .smtpd, .pop3d: []
        }
    }

    fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// Whether its workers ask authd.
    var asksAuthd: Bool { self == .smtpd || self == .pop3d }

    /// Whom it runs as when master was started by root; the primary group has the user's name.
    var user: String {
        switch self {
        case .authd: "wmail-auth"
        case .deliver: "wmail-mail"
        case .transmit: "wmail-relay"
        case .smtpd: "wmail-smtp"
        case .pop3d: "wmail-pop"
        }
    }

    /// The supplementary groups: the least that its files need.
    var groups: [String] {
        switch self {
        case .authd, .deliver: []
        // Into queue/, and to read and append to what smtpd made in queue/relay.
        case .transmit: ["wmail-queue", "wmail-mail"]
        // Into queue/, to make files there; not to read what others made.
        case .smtpd: ["wmail-queue"]
        // To read the message files that deliver owns.
        case .pop3d: ["wmail-mail"]
        }
    }
}

/// One place for a worker: it keeps its number when the worker in it is replaced.
struct Slot: Hashable, Comparable, Sendable, CustomStringConvertible {
    let service: Service
    /// From 0.
    let index: Int

    /// In the order of starting.
    static func < (left: Self, right: Self) -> Bool {
        (left.service.order, left.index) < (right.service.order, right.index)
    }

    var description: String { "\(service).\(index)" }
}
