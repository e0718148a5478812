// SPDX-License-Identifier: Apache-2.0
package import Mail

/// A message for other servers as its `.env` file tells of it: the envelope and what the events add up to.
package struct RelayEntry: Equatable, Sendable {
    /// Where one recipient stands.
    package struct Progress: Equatable, Sendable {
        package let recipient: Recipient
        /// The latest outcome; nil before the first attempt.
        package var record: DeliveryRecord?
        /// When that was, in seconds since 1970.
        package var lastAttempt: Int?
        /// Whether the message's time ran out before this recipient had it.
        package var isExpired = false
        /// Whether the sender was told how it ended.
        package var isReported = false

        /// Whether there is anything left to attempt.
        package var isPending: Bool {
            !isExpired && (record == nil || record?.outcome.result == .temporary)
        }

        package init(_ recipient: Recipient, record: DeliveryRecord? = nil) {
            self.recipient = recipient
            self.record = record
        }
    }

    /// What an `.env` file says of its message; orphans are compared with it.
    package struct Claim: Equatable, Sendable {
        package let size: Int
        package let checksum: UInt32

        package init(size: Int, checksum: UInt32) {
            self.size = size
            self.checksum = checksum
        }
    }

    package let id: QueueID
    package let envelope: RelayEnvelope
    /// Missing in a file that an operator made.
    package let claim: Claim?
    package private(set) var recipients: [Progress]
    /// Attempts so far that left somebody to be tried again.
    package private(set) var attempts = 0
    /// Whether the sender was told of the delay.
    package private(set) var isWarned = false
    /// When the next attempt is due, in seconds since 1970; 0 is at once.
    package private(set) var next = 0

    /// A message that has just arrived.
    package init(id: QueueID, envelope: RelayEnvelope, claim: Claim?) {
        self.id = id
        self.envelope = envelope
        self.claim = claim
        var seen: Set<MailAddress> = []
        recipients = envelope.envelope.recipients.filter { seen.insert($0.address).inserted }.map {
            let isDelivered = envelope.delivered.contains($0.address)
            let outcome = Outcome(
                .accepted, .recipientValid, at: .endOfData, "delivered locally")
            return Progress($0, record: isDelivered ? DeliveryRecord(outcome) : nil)
        }
    }

    /// When the message was accepted, in seconds since 1970.
    package var arrived: Int { Int(id.microseconds / 1_000_000) }

    /// The recipients that something is left to attempt for.
    package var pending: [Recipient] { recipients.filter(\.isPending).map(\.recipient) }

    /// Takes an event into account; recipients that are not the message's are passed over.
    package mutating func apply(_ event: RelayEvent) {
        switch event {
        case .attempted(let time, let records):
            if records.contains(where: { $0.1.outcome.result == .temporary }) { attempts += 1 }
            for (address, record) in records {
                update(address) { progress in
                    guard progress.isPending else { return }
                    progress.record = record
                    progress.lastAttempt = time
                }
            }
        case .expired(_, let addresses):
            for address in addresses { update(address) { if $0.isPending { $0.isExpired = true } } }
        case .reported(_, let addresses):
            for address in addresses { update(address) { $0.isReported = true } }
        case .warned: isWarned = true
        case .postponed(let until): next = until
        }
    }

    private mutating func update(_ address: MailAddress, _ body: (inout Progress) -> Void) {
        for index in recipients.indices where recipients[index].recipient.address == address {
            body(&recipients[index])
        }
    }
}

/// Something that happened to an entry: one line of its `.env` file, never changed.
package enum RelayEvent: Equatable, Sendable {
    /// These recipients were tried, at this time.
    case attempted(time: Int, [(MailAddress, DeliveryRecord)])
    /// Nothing more is tried for these.
    case expired(time: Int, [MailAddress])
    /// The sender was told how it ended for these.
    case reported(time: Int, [MailAddress])
    /// The sender was told of the delay.
    case warned(time: Int)
    /// The next attempt is due then; always the last line, so that a start needs to read no more.
    case postponed(until: Int)

    package static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.attempted(let a, let x), .attempted(let b, let y)):
            a == b && x.elementsEqual(y) { $0.0 == $1.0 && $0.1 == $1.1 }
        case (.expired(let a, let x), .expired(let b, let y)),
            (.reported(let a, let x), .reported(let b, let y)):
            a == b && x == y
        case (.warned(let a), .warned(let b)), (.postponed(let a), .postponed(let b)): a == b
        default: false
        }
    }
}
