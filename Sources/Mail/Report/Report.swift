// SPDX-License-Identifier: Apache-2.0

/// What a sender is told about a message (RFC 3464).
package struct Report: Equatable, Sendable {
    /// What a report is about.
    package enum Kind: String, CaseIterable, Sendable {
        case failure, delay, success
    }
}
