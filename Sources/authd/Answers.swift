// SPDX-License-Identifier: Apache-2.0
import Common
import Directory

/// Answers the questions of all workers.
final class Answers {
    private let directory: (String) -> GroupDirectory?
    private let books: Books
    private let logins: Logins
    private let exemptions: (SocketAddress) -> Ledger.Exemptions

    /// Ready to answer.
    ///
    /// - Parameters:
    ///   - directory: Gives the current accounts of a group.
    ///   - books: The shared counters.
    ///   - logins: Checks passwords.
    ///   - exemptions: What does not hold for an address, by configuration.
    init(
        directory: @escaping (String) -> GroupDirectory?, books: Books, logins: Logins,
        exemptions: @escaping (SocketAddress) -> Ledger.Exemptions
    ) {
        self.directory = directory
        self.books = books
        self.logins = logins
        self.exemptions = exemptions
    }

    /// The answer to everything but a login; nil for a login and for what has none.
    ///
    /// - Parameters:
    ///   - question: What a worker asks.
    ///   - visitors: The connections that the worker has open.
    /// - Returns: The answer.
    func answer(_ question: AccountQuestion, _ visitors: inout Visitors) -> AccountAnswer? {
        switch question {
        case .connection(let client, let service):
            return parsed(client).map { admit($0, service, &visitors) } ?? .unavailable
        case .disconnected(let client, let service, let errors):
            if let client = parsed(client) { dismiss(client, service, errors, &visitors) }
            return nil
        case .present(let client, let connections):
            guard let client = parsed(client) else { return nil }
            books.ledger.adopt(client.network, connections: connections)
            visitors.add(client.network, connections)
            return nil
        case .login:
            return nil
        case .recipient(let group, let localPart, let domain):
            guard let directory = directory(group) else { return .unavailable }
            let answer = directory.recipients(localPart: localPart, domain: domain)
            if answer == .unavailable {
                Log.write(
                    .error, "accounts.alias-too-long",
                    [
                        "group": group, "address": "\(localPart)@\(domain)",
                        "hint": "it leads to more addresses than one answer can name; split it",
                    ])
            }
            return answer
        case .domain(let group, let name):
            return directory(group).map { $0.isLocal(name) ? .local : .notLocal } ?? .unavailable
        case .sender(let group, let user, let localPart, let domain):
            guard let directory = directory(group) else { return .unavailable }
            return directory.maySend(user: user, localPart: localPart, domain: domain)
                ? .allowed : .notAllowed
        case .charge(let group, let user, let recipients):
            return charge(group, user, recipients)
        }
    }

    /// The answer to a login.
    func answer(
        login attempt: (group: String, user: String, password: [UInt8]), client: String,
        service: String
    ) async -> AccountAnswer {
        guard let client = parsed(client) else { return .unavailable }
        return await logins.judge(
            Logins.Attempt(
                group: attempt.group, user: attempt.user, password: attempt.password,
                client: client, service: service))
    }

    /// A worker is gone, and all of its connections with it.
    func dismissAll(_ visitors: Visitors) {
        for (network, count) in visitors.counts {
            books.ledger.release(network, connections: count)
        }
    }

    private func parsed(_ text: String) -> Client? {
        guard let address = SocketAddress(text, port: 0) else {
            Log.write(.error, "accounts.client-unreadable", ["client": text])
            return nil
        }
        return Client(address, exemptions: exemptions(address))
    }

    private func admit(
        _ client: Client, _ service: String, _ visitors: inout Visitors
    ) -> AccountAnswer {
        let admission = books.ledger.admit(
            client.network, exempt: client.exemptions, now: .now)
        switch admission {
        case .allowed:
            visitors.add(client.network, 1)
            return .allowed
        case .blocked(let seconds, let reason, let isNews):
            if isNews {
                books.tellBlocked(client, seconds: seconds, reason: reason, service: service)
            }
            return .blocked(seconds: seconds, reason: reason)
        }
    }

    private func dismiss(
        _ client: Client, _ service: String, _ errors: Int, _ visitors: inout Visitors
    ) {
        // What this worker never had in cannot be taken off another's count.
        guard visitors.remove(client.network) else { return }
        let block = books.ledger.leave(
            client.network, commandErrors: errors, exempt: client.exemptions, now: .now)
        if let block {
            books.tellBlocked(client, seconds: block, reason: .commandErrors, service: service)
        }
    }

    private func charge(_ group: String, _ user: String, _ recipients: Int) -> AccountAnswer {
        guard let directory = directory(group) else { return .unavailable }
        guard let account = directory[user] else { return .notAllowed }
        let wait = books.limits.charge(
            account.name, recipients: recipients, within: account.allowance, now: .now)
        guard let wait else { return .allowed }
        Log.write(
            .notice, "login.limited",
            ["user": account.name, "recipients": recipients, "seconds": wait])
        return .limited(seconds: wait)
    }
}

/// The connections that one worker has open, by network.
nonisolated struct Visitors: Sendable {
    private(set) var counts: [ClientNetwork: Int] = [:]

    mutating func add(_ network: ClientNetwork, _ count: Int) {
        if count > 0 { counts[network, default: 0] += count }
    }

    /// Takes one off.
    ///
    /// - Returns: Whether there was one.
    mutating func remove(_ network: ClientNetwork) -> Bool {
        guard let count = counts[network] else { return false }
        counts[network] = count > 1 ? count - 1 : nil
        return true
    }
}
