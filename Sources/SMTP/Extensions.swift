// SPDX-License-Identifier: Apache-2.0

/// Which extensions a server offers, apart from STARTTLS and AUTH, which depend on the session's state.
package struct Extensions: OptionSet, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// RFC 2920.
    package static let pipelining = Self(rawValue: 1 << 0)
    /// RFC 1870.
    package static let size = Self(rawValue: 1 << 1)
    /// RFC 6152.
    package static let eightBitMIME = Self(rawValue: 1 << 2)
    /// RFC 6531.
    package static let smtpUTF8 = Self(rawValue: 1 << 3)
    /// RFC 2034.
    package static let enhancedStatusCodes = Self(rawValue: 1 << 4)
    /// RFC 3461.
    package static let dsn = Self(rawValue: 1 << 5)
    /// RFC 3030.
    package static let chunking = Self(rawValue: 1 << 6)
    /// RFC 9422.
    package static let limits = Self(rawValue: 1 << 7)

    package static let all: Self = [
        .pipelining, .size, .eightBitMIME, .smtpUTF8, .enhancedStatusCodes, .dsn, .chunking,
        .limits,
    ]
}
