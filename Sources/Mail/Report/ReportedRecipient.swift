// SPDX-License-Identifier: Apache-2.0

/// What a report says of one recipient (RFC 3464 §2.3).
package struct ReportedRecipient: Equatable, Sendable {
    /// What was done for the recipient (RFC 3464 §2.3.3).
    package enum Action: String, CaseIterable, Sendable {
        case failed, delayed, delivered, relayed, expanded
    }

    package var recipient: Recipient
    package var action: Action
    package var status: EnhancedStatus
    /// The latest attempt; nil when there was none.
    package var record: DeliveryRecord?
    /// When that was, in seconds since 1970.
    package var lastAttempt: Int?
    /// Until when attempts go on, in seconds since 1970; nil when they are over.
    package var willRetryUntil: Int?

    package init(
        _ recipient: Recipient, _ action: Action, _ status: EnhancedStatus,
        record: DeliveryRecord? = nil, lastAttempt: Int? = nil, willRetryUntil: Int? = nil
    ) {
        self.recipient = recipient
        self.action = action
        self.status = status
        self.record = record
        self.lastAttempt = lastAttempt
        self.willRetryUntil = willRetryUntil
    }
}
