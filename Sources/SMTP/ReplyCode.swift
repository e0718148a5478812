// SPDX-License-Identifier: Apache-2.0

/// A reply's three digits (RFC 5321 §4.2).
package struct ReplyCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt16

    /// The code of a number from 200 to 599; nil for any other.
    package init?(rawValue: UInt16) {
        guard (200...599).contains(rawValue) else { return nil }
        self.rawValue = rawValue
    }

    private init(_ number: UInt16) { rawValue = number }

    package var description: String { "\(rawValue)" }

    /// 2yz: done.
    package var isPositive: Bool { rawValue < 300 }
    /// 3yz: go on.
    package var isIntermediate: Bool { rawValue / 100 == 3 }
    /// 4yz: try again later.
    package var isTemporary: Bool { rawValue / 100 == 4 }
    /// 5yz: do not try again.
    package var isPermanent: Bool { rawValue >= 500 }
    /// The server closes the connection after a 421, and only then unasked (RFC 5321 §3.8).
    package var endsSession: Bool { self == .serviceUnavailable || self == .closing }

    /// The code 214.
    package static let help = Self(214)
    /// The code 220.
    package static let ready = Self(220)
    /// The code 221.
    package static let closing = Self(221)
    /// The code 235.
    package static let loggedIn = Self(235)
    /// The code 250.
    package static let ok = Self(250)
    /// The code 252.
    package static let cannotVerify = Self(252)
    /// The code 334.
    package static let challenge = Self(334)
    /// The code 354.
    package static let startMail = Self(354)
    /// The code 421.
    package static let serviceUnavailable = Self(421)
    /// The code 450.
    package static let mailboxBusy = Self(450)
    /// The code 451.
    package static let localError = Self(451)
    /// The code 452.
    package static let insufficientStorage = Self(452)
    /// The code 454.
    package static let temporaryLoginTrouble = Self(454)
    /// The code 500.
    package static let syntaxError = Self(500)
    /// The code 501.
    package static let argumentError = Self(501)
    /// The code 502.
    package static let notImplemented = Self(502)
    /// The code 503.
    package static let badSequence = Self(503)
    /// The code 504.
    package static let parameterNotImplemented = Self(504)
    /// The code 530.
    package static let loginRequired = Self(530)
    /// The code 535.
    package static let badCredentials = Self(535)
    /// The code 538.
    package static let encryptionRequired = Self(538)
    /// The code 550.
    package static let rejected = Self(550)
    /// The code 552.
    package static let tooBig = Self(552)
    /// The code 553.
    package static let addressRejected = Self(553)
    /// The code 554.
    package static let failed = Self(554)
    /// The code 555.
    package static let unknownParameter = Self(555)
}
