// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy
import SMTP
import TLS

/// Carries parcels to one destination over one connection, one after the other.
final class Courier {
    /// Parcels after which a courier gives way to destinations that have none.
    nonisolated private static let share = 10

    private let destination: Destination
    private let transmit: Transmit
    private var connection: RemoteConnection?

    /// A courier with its first connection; nil when it has to make one.
    init(_ destination: Destination, _ transmit: Transmit, _ connection: RemoteConnection?) {
        self.connection = connection
        self.destination = destination
        self.transmit = transmit
    }

    /// Works until nothing waits or the destination is in trouble.
    func run(_ first: Parcel) async {
        var parcel: Parcel? = first
        var carried = 0
        while let present = parcel {
            guard await carry(present) else { break }
            carried += 1
            // Others wait for a connection: it is their turn.
            if carried >= Self.share, transmit.isCrowded { break }
            parcel = destination.next()
        }
        guard let connection, connection.isUsable else { return }
        connection.idleSince = .now
        if transmit.isStopping || connection.isUsedUp(transmit.slice.settings) {
            await connection.quit()
        } else {
            transmit.keep(connection, at: destination)
        }
    }

    /// - Returns: Whether to go on.
    private func carry(_ parcel: Parcel) async -> Bool {
        await waitForTurn()
        await transmit.removalsInHand()
        if let used = connection, !used.isUsable || used.isUsedUp(transmit.slice.settings) {
            if used.isUsable { Task { await used.quit() } }
            connection = nil
        }
        if connection == nil {
            do throws(RemoteConnection.Refused) {
                connection = try await connect()
            } catch {
                return refused(parcel, error)
            }
        }
        guard let connection else { return false }
        do throws(SystemError) {
            guard let letter = try await Letter.open(parcel.job.claim, pool: transmit.pool) else {
                transmit.lose(parcel)
                return true
            }
            return await send(parcel, letter, over: connection)
        } catch {
            transmit.setBack(parcel, because: error)
            return true
        }
    }

    private func waitForTurn() async {
        let gap = destination.pace.gap
        let start = max(destination.nextStart, .now)
        destination.nextStart = start.advanced(by: gap)
        if start > .now { await sleep(until: start) }
    }

    // MARK: Connecting

    /// Tries the destination's hosts until one is ready.
    ///
    /// - Throws: What the last one said that is not final, or else what the last one said.
    private func connect() async throws(RemoteConnection.Refused) -> RemoteConnection {
        let route = destination.route
        let hosts: [RemoteHost]
        switch await transmit.finder.hosts(of: route) {
        case .none(let outcome): throw RemoteConnection.Refused(outcome, host: nil)
        case .hosts(let found): hosts = found
        }
        var trouble: RemoteConnection.Refused?
        for host in transmit.hostTroubles.sorted(hosts) {
            do throws(RemoteConnection.Refused) {
                let connection = try await connect(to: host)
                transmit.hostTroubles.forget(host)
                return connection
            } catch {
                transmit.hostTroubles.note(host)
                Log.write(
                    .info, "relay.host-failed",
                    [
                        "destination": route, "host": host, "stage": error.outcome.stage.rawValue,
                        "status": error.outcome.status, "reply": error.outcome.text,
                    ])
                let isFinal = error.outcome.result == .permanent
                if trouble == nil || !isFinal { trouble = error }
            }
            if transmit.isStopping { break }
        }
        throw trouble ?? RemoteConnection.Refused(.stopping, host: nil)
    }

    private func connect(
        to host: RemoteHost
    ) async throws(RemoteConnection.Refused) -> RemoteConnection {
        let demands = transmit.demands(of: destination.route)
        do throws(RemoteConnection.Refused) {
            return try await open(host, demands)
        } catch {
            // RFC 7435: TLS that nobody vouches for is better than none, and none better than no mail; but only on a
            // new connection, because nobody knows what state this one is in.
            guard error.outcome.stage == .tls, host.protection == .ifOffered,
                demands.trust == .anybody
            else { throw error }
            Log.write(
                .notice, "relay.tls-failed",
                ["host": host, "reason": error.outcome.text, "hint": "trying without TLS"])
            return try await open(host.withoutTLS, demands)
        }
    }

    private func open(
        _ host: RemoteHost, _ demands: ConnectionDemands
    ) async throws(RemoteConnection.Refused) -> RemoteConnection {
        let settings = transmit.slice.settings
        return try await RemoteConnection.open(
            host, demands, name: transmit.slice.hostname,
            from: host.address.isIPv6 ? settings.sourceIPv6 : settings.sourceIPv4,
            context: transmit.context)
    }

    /// No connection.
    ///
    /// - Returns: Whether to go on with the next parcel.
    private func refused(_ parcel: Parcel, _ trouble: RemoteConnection.Refused) -> Bool {
        let outcome = trouble.outcome
        if transmit.isStopping {
            transmit.skip(parcel, because: destination)
            return false
        }
        if outcome.result == .permanent {
            // About this destination for good; the next parcel's answer costs little.
            finish(parcel, parcel.recipients, outcome, trouble.host)
            return true
        }
        if destination.worksOtherwise {
            // The server has enough of us with the connections that there are.
            destination.pace.failed()
            destination.putBack(parcel)
            return false
        }
        destination.setAside(outcome)
        for other in destination.takeAll() { transmit.divert(other, from: destination) }
        transmit.send(parcel.detours, of: parcel.job)
        finish(parcel, parcel.stranded, outcome, trouble.host)
        return false
    }

    private func finish(
        _ parcel: Parcel, _ recipients: [Recipient], _ outcome: Outcome, _ host: RemoteHost?
    ) {
        let name = host?.description ?? ""
        let record = DeliveryRecord(
            outcome, host: name, cause: RemoteCause.of(outcome, host: name))
        transmit.finish(parcel, recipients.map { ($0.address, record) })
    }

    // MARK: Sending

    /// - Returns: Whether to go on.
    private func send(
        _ parcel: Parcel, _ letter: Letter, over connection: RemoteConnection
    ) async -> Bool {
        let writer = EnvelopeWriter(
            parcel.job.entry, route: destination.route, policy: transmit.policy,
            extensions: connection.extensions)
        var waiting = parcel.recipients
        var records: [(MailAddress, DeliveryRecord)] = []
        var isFirst = true
        // Whoever has the entry now sends it to the others.
        while !waiting.isEmpty, !parcel.job.isLost {
            let limit = min(
                connection.recipientLimit, transmit.slice.settings.maxRecipientsPerTransaction)
            let some = Array(waiting.prefix(limit))
            let transaction: ClientTransaction
            do throws(SystemError) {
                transaction = try await writer.transaction(some, letter)
            } catch {
                let outcome = Outcome(
                    .temporary, .localTrouble, at: .routing, "the message cannot be read: \(error)")
                records += waiting.map { ($0.address, DeliveryRecord(outcome)) }
                break
            }
            let isReused = connection.transactions > 0
            let outcomes = await connection.transact(transaction, letter)
            if isReused, !connection.isUsable, !parcel.hasHadSecondChance, isFirst,
                outcomes.allSatisfy({ $0.result == .temporary && $0.stage == .mail })
            {
                // It had ended while nobody looked.
                parcel.hasHadSecondChance = true
                destination.putBack(parcel)
                self.connection = nil
                return true
            }
            var again: [Recipient] = []
            let accepted = outcomes.contains { $0.result == .accepted }
            for (recipient, outcome) in zip(some, outcomes) {
                if accepted, connection.isUsable, outcome.isTooManyRecipients {
                    // RFC 5321 §4.5.3.1.10: the rest in another transaction.
                    again.append(recipient)
                } else {
                    records.append((recipient.address, record(outcome, connection)))
                }
            }
            waiting = again + waiting.dropFirst(some.count)
            learn(from: outcomes, connection)
            if !connection.isUsable, !waiting.isEmpty {
                // The next attempt is for them.
                let outcome = Outcome(
                    .temporary, EnhancedStatus(.temporary, 4, 2), at: .mail,
                    outcomes.last?.text ?? "the connection ended")
                records += waiting.map { ($0.address, record(outcome, connection)) }
                break
            }
            isFirst = false
            if !waiting.isEmpty {
                transmit.goOn(parcel, records)
                records = []
            }
        }
        letter.close()
        transmit.finish(parcel, records)
        return isFitToGoOn(connection)
    }

    private func record(_ outcome: Outcome, _ connection: RemoteConnection) -> DeliveryRecord {
        DeliveryRecord(
            outcome, host: connection.host.description, tls: connection.tls,
            takesOverReports: outcome.result == .accepted && connection.extensions.dsn,
            cause: RemoteCause.of(outcome, host: connection.host.description))
    }

    private func learn(from outcomes: [Outcome], _ connection: RemoteConnection) {
        if outcomes.contains(where: \.asksForPatience) {
            destination.pace.slowDown()
            Log.write(
                .notice, "relay.slowed",
                [
                    "destination": destination.route, "gap": destination.pace.gap,
                    "reply": outcomes.first(where: \.asksForPatience)?.text ?? "",
                ])
        } else if outcomes.contains(where: { $0.result == .accepted }) {
            destination.pace.succeeded()
        }
        if connection.isUsable || outcomes.contains(where: { $0.result == .accepted }) {
            destination.worked()
        }
    }

    private func isFitToGoOn(_ connection: RemoteConnection) -> Bool {
        guard !connection.isUsable else { return true }
        self.connection = nil
        destination.pace.failed()
        destination.losses += 1
        guard destination.losses >= 3 else { return true }
        // It greets, and then hangs up on every message.
        destination.losses = 0
        destination.setAside(
            Outcome(
                .temporary, EnhancedStatus(.temporary, 4, 2), at: .connection,
                "\(connection.host) has ended three connections in a row"))
        for other in destination.takeAll() { transmit.divert(other, from: destination) }
        return false
    }
}
