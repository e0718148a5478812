// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy

/// An entry that we hold, from its claim until it is settled or waits again.
final class Job {
    let claim: RelayClaim
    /// With what was written to it since.
    private(set) var entry: RelayEntry
    let wish: Agenda.Wish
    /// What came of the recipients that were attempted, and is not written down yet.
    var records: [(MailAddress, DeliveryRecord)] = []
    /// The same, written down already.
    private(set) var written: [(MailAddress, DeliveryRecord)] = []
    /// Outcomes that the log does not tell of yet.
    var untold: [(MailAddress, DeliveryRecord)] = []
    /// Something is being written down.
    var isWriting = false
    /// Parcels that are still on their way.
    var parcels = 0
    /// Somebody else has the entry now.
    var isLost = false
    /// When to look at it again, in milliseconds since 1970, because it was taken from us or cannot be read; nothing
    /// of that is an attempt.
    var setBackUntil: Int?
    /// The destination because of which some recipients were not attempted: it is down, or has no room.
    var obstacle: Destination?

    /// An entry that was just claimed.
    init(_ claim: RelayClaim, _ entry: RelayEntry, _ wish: Agenda.Wish) {
        self.claim = claim
        self.entry = entry
        self.wish = wish
    }

    var id: QueueID { claim.id }

    /// The file says so now.
    func wrote(_ event: RelayEvent, _ records: [(MailAddress, DeliveryRecord)]) {
        entry.apply(event)
        written += records
    }

    /// Whose mail it is: those of one sender wait for each other, and for nobody else.
    lazy var lane: UInt64 = {
        let envelope = entry.envelope
        let name = envelope.login?.description ?? envelope.envelope.sender.description
        return UInt64(truncatingIfNeeded: name.hashValue)
    }()
}

/// A message for those of its recipients that go by the same route at present.
final class Parcel {
    /// A recipient with the routes that are left: the present one first, then those to try when it is in trouble.
    struct Item {
        let recipient: Recipient
        let routes: ArraySlice<Route>
    }

    let job: Job
    let items: [Item]
    /// It was sent over a connection that had ended unnoticed, and had a second chance.
    var hasHadSecondChance = false

    /// A part of a job.
    init(_ job: Job, _ items: [Item]) {
        self.job = job
        self.items = items
    }

    var recipients: [Recipient] { items.map(\.recipient) }

    /// The present route is in trouble: those who have another one, with what is left to them.
    var detours: [Item] {
        items.filter { $0.routes.count > 1 }.map {
            Item(recipient: $0.recipient, routes: $0.routes.dropFirst())
        }
    }

    /// Those who have no other route.
    var stranded: [Recipient] { items.filter { $0.routes.count <= 1 }.map(\.recipient) }
}
