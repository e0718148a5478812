// SPDX-License-Identifier: Apache-2.0
import Common
import Directory
import Mail
import Policy

/// What the server would say to one sender and one recipient, and why: its own policy on the facts as files have them.
struct Decision: Equatable {
    /// What is asked.
    struct Question: Equatable {
        let sender: ReversePath
        let recipient: MailAddress
        /// A login's user; nil for none.
        var login: String?
        var client: SocketAddress
        var listener: ListenerSettings
    }

    /// Where the mail goes.
    enum Outcome: Equatable {
        case refused(reply: String, reason: String)
        /// To accounts here, and on to addresses at other servers.
        case accepted(accounts: [AccountName], onward: [MailAddress], ways: RelayEnvelope.Ways)
    }

    /// One step to the outcome, in words.
    struct Step: Equatable {
        let subject: String
        let finding: String
    }

    private(set) var steps: [Step] = []
    private(set) var outcome: Outcome

    /// Decides as smtpd and authd do.
    ///
    /// - Throws: ``Failure`` when the login is nobody's.
    init(
        _ question: Question, configuration: Configuration, directory: GroupDirectory
    ) throws(Failure) {
        let listener = question.listener
        let policy = ReceptionPolicy(listener, configuration.reception)
        outcome = .refused(reply: "550 5.7.1", reason: "")
        steps.append(
            Step(
                subject: "service",
                finding:
                    "\(listener.address), group \(listener.group), login \(listener.auth.rawValue)"
            ))

        let login = try Self.account(question, directory)
        if let login {
            steps.append(
                Step(subject: "login", finding: "\(login.name.user) may \(login.permissions)"))
        }
        let isListed = listener.allowRelayFrom.contains(question.client)
        steps.append(
            Step(
                subject: "client",
                finding: "\(question.client.host)\(isListed ? ", listed in allowRelayFrom" : "")"))
        if login == nil, listener.auth == .required {
            outcome = .refused(
                reply: "530 5.7.0",
                reason: "this service takes mail from logins only (auth required)")
            return
        }
        if let refusal = judgeSender(
            question, policy, login, directory, isListed, configuration.reception)
        {
            outcome = refusal
            return
        }
        outcome = judgeRecipient(question, policy, login, directory, isListed, configuration)
    }

    private static func account(
        _ question: Question, _ directory: GroupDirectory
    ) throws(Failure) -> GroupDirectory.Account? {
        guard let name = question.login else { return nil }
        guard let account = directory.account(login: name) else {
            throw Failure(
                "nobody of group \(directory.group) logs in as \(name)", cure: "wmail user list")
        }
        guard question.listener.auth != .none else {
            throw Failure(
                "\(question.listener.address) takes no logins (\"auth\": \"none\")",
                cure: "--port with one that does")
        }
        return account
    }

    // MARK: The sender

    private mutating func judgeSender(
        _ question: Question, _ policy: ReceptionPolicy, _ login: GroupDirectory.Account?,
        _ directory: GroupDirectory, _ isListed: Bool, _ settings: ReceptionSettings
    ) -> Outcome? {
        let address = Self.whose(question.sender, login, directory, settings)
        let words =
            switch address {
            case .null: "the null sender"
            case .ofLogin: "an address that the login may use"
            case .ofGroup: "an address of the group's domains"
            case .foreign:
                login == nil ? "in another domain" : "an address that the login may not use"
            }
        steps.append(Step(subject: "sender", finding: "\(question.sender): \(words)"))
        let isTrusted = question.listener.acceptOwnDomainsFrom.contains(question.client)
        let facts = ReceptionPolicy.SenderFacts(
            isLoggedIn: login != nil, isListedClient: isListed || isTrusted, address: address)
        switch policy.verdict(on: facts) {
        case .accepted: return nil
        case .loginRequired:
            return .refused(reply: "530 5.7.0", reason: "a login is needed")
        case .notOwnAddress:
            return .refused(
                reply: "553 5.7.1",
                reason: "a login sends as its own addresses only (senderMustBelongToLogin)")
        case .ownDomainFromOutside:
            return .refused(
                reply: "550 5.7.1",
                reason: "mail from our own domains needs a login (rejectOwnDomainsFromOutside)")
        }
    }

    private static func whose(
        _ sender: ReversePath, _ login: GroupDirectory.Account?, _ directory: GroupDirectory,
        _ settings: ReceptionSettings
    ) -> ReceptionPolicy.SenderFacts.Address {
        guard let address = sender.address else { return .null }
        guard let login else {
            return directory.isLocal(address.domain.ascii) ? .ofGroup : .foreign
        }
        let isOwn =
            !settings.senderMustBelongToLogin
            || directory.maySend(
                user: login.name.user, localPart: address.localPart.text,
                domain: address.domain.ascii)
        return isOwn ? .ofLogin : .foreign
    }

    // MARK: The recipient

    private mutating func judgeRecipient(
        _ question: Question, _ policy: ReceptionPolicy, _ login: GroupDirectory.Account?,
        _ directory: GroupDirectory, _ isListed: Bool, _ configuration: Configuration
    ) -> Outcome {
        let (local, domain) = (
            question.recipient.localPart.text, question.recipient.domain.ascii
        )
        let found = directory.recipients(localPart: local, domain: domain)
        let (address, words): (ReceptionPolicy.RecipientFacts.Address, String) =
            switch found {
            case .recipients(let accounts, let forwards): (.known, Self.words(accounts, forwards))
            case .unknown: (.unknown, "nobody of group \(directory.group)")
            case .notReceiving: (.notReceiving, "an account without the permission receive")
            default: (.foreign, "in a domain that is not of group \(directory.group)")
            }
        steps.append(Step(subject: "recipient", finding: "<\(question.recipient)>: \(words)"))
        let facts = ReceptionPolicy.RecipientFacts(
            login: login?.permissions, isListedClient: isListed,
            isWhitelisted: configuration.anonymousRelay.permits(localPart: local, domain: domain),
            address: address)
        let ways = RelayEnvelope.Ways(configuration.usableMethods)
        switch policy.verdict(on: facts) {
        case .deliver:
            guard case .recipients(let accounts, let forwards) = found else { break }
            let onward = forwards.compactMap { MailAddress("\($0.localPart)@\($0.domain)") }
            if !onward.isEmpty, ways.isEmpty { return Self.noWay }
            return .accepted(accounts: accounts, onward: onward, ways: ways)
        case .relay(let smarthost, let direct):
            var granted: RelayEnvelope.Ways = []
            if smarthost { granted.insert(.smarthost) }
            if direct { granted.insert(.direct) }
            let common = granted.intersection(ways)
            if common.isEmpty { return Self.noWay }
            return .accepted(accounts: [], onward: [question.recipient], ways: common)
        case .loginRequired:
            return .refused(
                reply: "530 5.7.0",
                reason: "mail for other domains needs a login with the permission")
        case .relayingDenied:
            return .refused(
                reply: "550 5.7.1",
                reason: login == nil
                    ? "mail for other domains needs a login, which this service does not take"
                    : "the login has neither sendrelay nor sendoutside")
        case .localSendingDenied:
            return .refused(reply: "550 5.7.1", reason: "the login has no permission sendlocal")
        case .unknownUser: return .refused(reply: "550 5.1.1", reason: "there is no such address")
        case .mailboxDisabled:
            return .refused(reply: "550 5.2.1", reason: "the account may not receive")
        }
        return .refused(reply: "451 4.3.0", reason: "it leads to more addresses than can be named")
    }

    private static let noWay = Outcome.refused(
        reply: "550 5.7.1",
        reason: "no way out of mailTry is both configured and permitted to the sender")

    private static func words(_ accounts: [AccountName], _ forwards: [ForwardAddress]) -> String {
        let names = accounts.map(\.user) + forwards.map { "\($0.localPart)@\($0.domain)" }
        return "leads to \(names.joined(separator: ", "))"
    }
}

extension RelayEnvelope.Ways {
    /// The ways that a configuration has.
    init(_ methods: [TransmitSettings.Method]) {
        self = methods.reduce(into: []) { ways, method in
            ways.insert(method == .relay ? .smarthost : .direct)
        }
    }
}
