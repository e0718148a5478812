// SPDX-License-Identifier: Apache-2.0

/// Which questions of a worker wait for an answer, and what a new authd must be told: the part of
/// ``AccountClient`` that touches no socket.
struct AccountExchange<Asker> {
    /// What to do about an answer that came.
    enum Arrival {
        case deliver(AccountAnswer, to: Asker)
        /// The asker has given up; authd must be told that the connection it let in is none.
        case retract(client: String, service: String)
        case ignore
    }

    private struct Pending {
        let question: AccountQuestion
        let datagram: [UInt8]
        let deadline: Deadline
        /// nil once it has been told that nobody answers.
        var asker: Asker?
    }

    private var pending: [UInt32: Pending] = [:]
    private var lastID: UInt32 = 0
    /// Connections that authd has let in, by client.
    private(set) var connections: [String: Int] = [:]

    /// Questions without an answer so far.
    var count: Int { pending.count }

    /// Notes a question.
    ///
    /// - Returns: The datagram to send.
    /// - Throws: `.tooLong` when there can be none.
    mutating func ask(
        _ question: AccountQuestion, asker: Asker, deadline: Deadline
    ) throws(AccountCodecError) -> [UInt8] {
        repeat { lastID &+= 1 } while pending[lastID] != nil
        let datagram = try AccountCodec.encode(question, id: lastID)
        pending[lastID] = Pending(
            question: question, datagram: datagram, deadline: deadline, asker: asker)
        return datagram
    }

    /// Notes what authd is told without being asked.
    ///
    /// - Returns: The datagram to send.
    /// - Throws: `.tooLong` when there can be none.
    mutating func tell(_ question: AccountQuestion) throws(AccountCodecError) -> [UInt8] {
        if case .disconnected(let client, _, _) = question, let count = connections[client] {
            connections[client] = count > 1 ? count - 1 : nil
        }
        return try AccountCodec.encode(question, id: 0)
    }

    /// An answer came.
    mutating func received(_ answer: AccountAnswer, id: UInt32) -> Arrival {
        guard let found = pending.removeValue(forKey: id) else { return .ignore }
        if case .connection(let client, let service) = found.question, answer == .allowed {
            guard found.asker != nil else { return .retract(client: client, service: service) }
            connections[client, default: 0] += 1
        }
        guard let asker = found.asker else { return .ignore }
        return .deliver(answer, to: asker)
    }

    /// Whose time has come without an answer; each is named once.
    mutating func expire(now: Deadline) -> [Asker] {
        var askers: [Asker] = []
        for (id, entry) in pending where entry.deadline <= now {
            guard let asker = entry.asker else { continue }
            askers.append(asker)
            pending[id]?.asker = nil
        }
        return askers
    }

    /// The earliest time at which somebody may have to be told that nobody answers.
    var nextDeadline: Deadline? {
        pending.values.filter { $0.asker != nil }.map(\.deadline).min()
    }

    /// authd is gone: nobody will answer what nobody waits for.
    mutating func lost() {
        pending = pending.filter { $0.value.asker != nil }
    }

    /// All that a new authd must hear: the connections that are open, then the questions again, in order.
    func greeting() -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        for (client, count) in connections {
            let question = AccountQuestion.present(client: client, connections: count)
            do throws(AccountCodecError) {
                datagrams.append(try AccountCodec.encode(question, id: 0))
            } catch {
                // The same text was in the question that admitted the client, so it fits.
                continue
            }
        }
        return datagrams + pending.sorted { $0.key < $1.key }.map(\.value.datagram)
    }
}
