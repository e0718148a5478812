// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// Where a message goes, as its recipients are accepted one by one.
nonisolated struct Destinations: Equatable {
    /// Accounts of our own, each once, however often and by whatever alias it was named.
    private(set) var accounts: [AccountName] = []
    private var known: Set<AccountName> = []
    /// Recipients at other servers.
    private(set) var remote: [Recipient] = []
    /// Recipients that are delivered here and whose delivery the sender wants to hear of (RFC 3461 §5.2.3).
    private(set) var reported: [Recipient] = []
    /// How mail may leave: by every way that all of the remote recipients were granted.
    private(set) var ways: RelayEnvelope.Ways = [.smarthost, .direct]

    /// Whether relayd transmit has something to do.
    var goesOut: Bool { !remote.isEmpty || !reported.isEmpty }

    /// Adds a recipient of our own.
    ///
    /// - Parameters:
    ///   - recipient: As RCPT names it.
    ///   - accounts: Who gets it here.
    ///   - forwards: Whom the operator's aliases name at other servers.
    ///   - ways: How mail can leave at all.
    /// - Returns: Whether it can be delivered: a forward without any way out cannot.
    mutating func add(
        _ recipient: Recipient, accounts: [AccountName], forwards: [ForwardAddress],
        ways: RelayEnvelope.Ways
    ) -> Bool {
        let onward = forwards.compactMap { forward in
            LocalPart(forward.localPart).flatMap { localPart in
                Domain(forward.domain).map { MailAddress(localPart, at: $0) }
            }
        }
        guard onward.count == forwards.count, onward.isEmpty || !ways.isEmpty else { return false }
        if !onward.isEmpty { self.ways.formIntersection(ways) }
        for account in accounts where known.insert(account).inserted {
            self.accounts.append(account)
        }
        var recipient = recipient
        var notify = recipient.notify
        if !onward.isEmpty {
            recipient.original = recipient.original ?? OriginalRecipient(address: recipient.address)
        }
        // RFC 3461 §5.2.7.3: for an address that stands for several, one report says that it was expanded, and
        // what becomes of each is not told; a single one inherits the request.
        if onward.isEmpty || onward.count + accounts.count > 1,
            notify?.contains(.success) == true
        {
            if !reported.contains(where: { $0.address == recipient.address }) {
                reported.append(recipient)
            }
            notify?.remove(.success)
        }
        for address in onward where !remote.contains(where: { $0.address == address }) {
            remote.append(Recipient(address, notify: notify, original: recipient.original))
        }
        return true
    }

    /// Adds a recipient at another server.
    ///
    /// - Parameters:
    ///   - recipient: As RCPT names it.
    ///   - ways: How this mail may leave.
    /// - Returns: Whether there is a way out that it may take, together with the recipients before it.
    mutating func add(_ recipient: Recipient, ways: RelayEnvelope.Ways) -> Bool {
        let common = self.ways.intersection(ways)
        guard !common.isEmpty else { return false }
        self.ways = common
        if !remote.contains(where: { $0.address == recipient.address }) { remote.append(recipient) }
        return true
    }
}
