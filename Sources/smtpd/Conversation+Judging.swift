// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Policy
import SMTP
import TLS

/// Fetches the facts that ``ReceptionPolicy`` judges, and puts its verdicts into replies.
extension Conversation {
    private var group: String { visitor.settings.group }
    private var isListedClient: Bool {
        visitor.settings.allowRelayFrom.contains(visitor.stream.peer)
    }

    func login(_ credentials: Credentials) async -> LoginOutcome {
        let question = AccountQuestion.login(
            group: group, user: credentials.user, password: credentials.password,
            client: visitor.stream.peer.host, service: visitor.settings.name)
        switch await service.accounts.ask(question) {
        case .account(let login):
            self.login = login
            return .succeeded(login.account.user)
        case .wrongPassword: return .failed
        case .blocked: return .refused(ServerReplies.blocked)
        default: return .unavailable
        }
    }

    func judge(_ sender: ReversePath) async -> Verdict {
        guard let address = await whose(sender) else { return .refused(ServerReplies.localTrouble) }
        let isTrusted = visitor.settings.acceptOwnDomainsFrom.contains(visitor.stream.peer)
        let facts = ReceptionPolicy.SenderFacts(
            isLoggedIn: login != nil, isListedClient: isListedClient || isTrusted, address: address)
        return verdict(policy.verdict(on: facts))
    }

    private func verdict(_ verdict: ReceptionPolicy.SenderVerdict) -> Verdict {
        switch verdict {
        case .accepted: .accepted
        case .loginRequired: .refused(ServerReplies.loginRequired)
        case .notOwnAddress: .refused(ServerReplies.notOwnAddress)
        case .ownDomainFromOutside: .refused(ServerReplies.ownDomainFromOutside)
        }
    }

    /// Nil when authd cannot tell.
    private func whose(_ sender: ReversePath) async -> ReceptionPolicy.SenderFacts.Address? {
        guard let address = sender.address else { return .null }
        if let login {
            guard service.slice.settings.senderMustBelongToLogin else { return .ofLogin }
            return await isOwn(address, login).map { $0 ? .ofLogin : .foreign }
        }
        let question = AccountQuestion.domain(group: group, name: address.domain.ascii)
        switch await service.accounts.ask(question) {
        case .local: return .ofGroup
        case .notLocal: return .foreign
        default: return nil
        }
    }

    private func isOwn(_ address: MailAddress, _ login: AccountLogin) async -> Bool? {
        let question = AccountQuestion.sender(
            group: login.account.group, user: login.account.user,
            localPart: address.localPart.text, domain: address.domain.ascii)
        switch await service.accounts.ask(question) {
        case .allowed: return true
        case .notAllowed: return false
        default: return nil
        }
    }

    func judge(_ recipient: Recipient) async -> Verdict {
        let address = recipient.address
        var found: (accounts: [AccountName], forwards: [ForwardAddress]) = ([], [])
        let whose: ReceptionPolicy.RecipientFacts.Address
        switch await whoGets(address) {
        case .recipients(let accounts, let forwards):
            found = (accounts, forwards)
            whose = .known
        case .unknown: whose = .unknown
        case .notReceiving: whose = .notReceiving
        case .notLocal: whose = .foreign
        default: return .refused(ServerReplies.localTrouble)
        }
        let facts = ReceptionPolicy.RecipientFacts(
            login: login?.permissions, isListedClient: isListedClient,
            isWhitelisted: service.slice.anonymousRelay.permits(
                localPart: address.localPart.text, domain: address.domain.ascii),
            address: whose)
        switch policy.verdict(on: facts) {
        case .deliver:
            let isTaken = destinations.add(
                recipient, accounts: found.accounts, forwards: found.forwards,
                ways: service.ways)
            return isTaken ? .accepted : .refused(ServerReplies.relayingDenied)
        case .relay(let smarthost, let direct):
            var ways: RelayEnvelope.Ways = []
            if smarthost { ways.insert(.smarthost) }
            if direct { ways.insert(.direct) }
            let isTaken = destinations.add(recipient, ways: ways.intersection(service.ways))
            return isTaken ? .accepted : .refused(ServerReplies.relayingDenied)
        case .loginRequired: return .refused(ServerReplies.loginRequired)
        case .relayingDenied: return .refused(ServerReplies.relayingDenied)
        case .localSendingDenied: return .refused(ServerReplies.localSendingDenied)
        case .unknownUser: return .refused(ServerReplies.unknownUser)
        case .mailboxDisabled: return .refused(ServerReplies.mailboxDisabled)
        }
    }

    private func whoGets(_ address: MailAddress) async -> AccountAnswer {
        func question(_ domain: String) -> AccountQuestion {
            .recipient(group: group, localPart: address.localPart.text, domain: domain)
        }
        let answer = await service.accounts.ask(question(address.domain.ascii))
        guard answer == .notLocal, address == session.postmaster else { return answer }
        // Every host must have one (RFC 5321 §4.5.1), also where its own name is no mail domain: the group's.
        return await service.accounts.ask(question(""))
    }

    /// What relayd transmit is told of the message; nil when all of it stays here.
    func relayEnvelope(_ envelope: Envelope) async -> RelayEnvelope? {
        guard destinations.goesOut else { return nil }
        var outward = envelope
        outward.recipients = destinations.remote + destinations.reported
        return RelayEnvelope(
            outward, ways: destinations.ways, group: group, login: login?.account,
            reportsTo: await accounts(of: envelope.sender), client: visitor.stream.peer.host,
            delivered: Set(destinations.reported.map(\.address)))
    }

    /// The accounts that get what is sent to an address; none when it is nobody's here.
    private func accounts(of path: ReversePath) async -> [AccountName] {
        guard let address = path.address else { return [] }
        let question = AccountQuestion.recipient(
            group: group, localPart: address.localPart.text, domain: address.domain.ascii)
        // Without an answer reports go the long way, over the network.
        guard case .recipients(let accounts, _) = await service.accounts.ask(question) else {
            return []
        }
        return accounts
    }

    /// Why a login may not send this message; nil when it may, and then the message counts.
    func refusal(of header: HeaderFacts, recipients: Int) async -> Reply? {
        guard let login else { return nil }
        if service.slice.settings.headerFromMustBelongToLogin {
            guard header.fromCount == 1, !header.isFromMalformed, !header.from.isEmpty else {
                return ServerReplies.badFrom
            }
            for author in header.from {
                guard let isOwn = await isOwn(author, login) else {
                    return ServerReplies.localTrouble
                }
                let facts = ReceptionPolicy.SenderFacts(
                    isLoggedIn: true, isListedClient: isListedClient,
                    address: isOwn ? .ofLogin : .foreign)
                guard policy.verdict(on: facts) == .accepted else { return ServerReplies.badFrom }
            }
        }
        let question = AccountQuestion.charge(
            group: login.account.group, user: login.account.user, recipients: recipients)
        switch await service.accounts.ask(question) {
        case .allowed: return nil
        case .limited: return ServerReplies.overLimit
        default: return ServerReplies.localTrouble
        }
    }
}
