// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import Policy

@Suite struct ReceptionPolicyTests {
    typealias Policy = ReceptionPolicy

    static let everyPolicy: [Policy] = Policy.Authentication.allCases.flatMap { authentication in
        [false, true].map { outside in
            Policy(authentication: authentication, acceptsOwnDomainsFromOutside: outside)
        }
    }

    static let everyLogin: [Permissions?] =
        [nil] + (0..<16).map { Permissions(rawValue: UInt8($0)) }

    static let everyRecipient: [Policy.RecipientFacts] = everyLogin.flatMap { login in
        [false, true].flatMap { listed in
            [false, true].flatMap { whitelisted in
                Policy.RecipientFacts.Address.allCases.map { address in
                    Policy.RecipientFacts(
                        login: login, isListedClient: listed, isWhitelisted: whitelisted,
                        address: address)
                }
            }
        }
    }

    @Test func noCombinationWithoutPermissionReachesAForeignDomain() {
        var relayed = 0
        for policy in Self.everyPolicy {
            for facts in Self.everyRecipient {
                guard case .relay(let smarthost, let direct) = policy.verdict(on: facts) else {
                    continue
                }
                relayed += 1
                #expect(facts.address == .foreign)
                if let login = facts.login {
                    #expect(login.contains(.sendRelay) || login.contains(.sendOutside))
                    #expect(smarthost == login.contains(.sendRelay))
                    #expect(direct == login.contains(.sendOutside))
                } else {
                    #expect(facts.isListedClient && facts.isWhitelisted)
                }
            }
        }
        // A policy that relayed nothing would satisfy the rule above as well.
        #expect(relayed == 6 * (12 * 4 + 1))
    }

    @Test func onlyKnownAddressesAreDelivered() {
        for policy in Self.everyPolicy {
            for facts in Self.everyRecipient where policy.verdict(on: facts) == .deliver {
                #expect(facts.address == .known)
                #expect(facts.login?.contains(.sendLocal) ?? true)
            }
        }
    }

    @Test(
        arguments: [
            (nil, Policy.RecipientFacts.Address.known, Policy.RecipientVerdict.deliver),
            (nil, .unknown, .unknownUser),
            (nil, .notReceiving, .mailboxDisabled),
            (nil, .foreign, .loginRequired),
            ([.sendLocal], .foreign, .relayingDenied),
            ([.sendRelay], .known, .localSendingDenied),
            ([.sendRelay], .unknown, .localSendingDenied),
            ([.sendRelay], .foreign, .relay(smarthost: true, direct: false)),
            ([.sendOutside], .foreign, .relay(smarthost: false, direct: true)),
        ] as [(Permissions?, Policy.RecipientFacts.Address, Policy.RecipientVerdict)])
    func recipients(
        login: Permissions?, address: Policy.RecipientFacts.Address,
        expected: Policy.RecipientVerdict
    ) {
        let policy = Policy(authentication: .optional)
        // A listed client gains nothing by that once it has logged in.
        let facts = Policy.RecipientFacts(
            login: login, isListedClient: login != nil, isWhitelisted: true, address: address)
        #expect(policy.verdict(on: facts) == expected)
    }

    @Test(arguments: [
        (Policy.Authentication.none, Policy.RecipientVerdict.relayingDenied),
        (.optional, .loginRequired), (.required, .loginRequired),
    ])
    func strangersDoNotRelay(
        authentication: Policy.Authentication, expected: Policy.RecipientVerdict
    ) {
        let policy = Policy(authentication: authentication)
        for (listed, whitelisted) in [(false, true), (true, false), (false, false)] {
            let facts = Policy.RecipientFacts(
                login: nil, isListedClient: listed, isWhitelisted: whitelisted, address: .foreign)
            #expect(policy.verdict(on: facts) == expected)
        }
    }

    @Test func aLoginUsesOnlyItsOwnAddresses() {
        for policy in Self.everyPolicy {
            for listed in [false, true] {
                for address in Policy.SenderFacts.Address.allCases {
                    let verdict = policy.verdict(
                        on: .init(isLoggedIn: true, isListedClient: listed, address: address))
                    let own = address == .ofLogin || address == .null
                    #expect(verdict == (own ? .accepted : .notOwnAddress))
                }
            }
        }
    }

    @Test(arguments: [
        (
            Policy.SenderFacts.Address.ofGroup, false, false,
            Policy.SenderVerdict.ownDomainFromOutside
        ),
        (.ofGroup, true, false, .accepted),
        (.ofGroup, false, true, .accepted),
        (.foreign, false, false, .accepted),
        (.null, false, false, .accepted),
    ])
    func sendersWithoutLogin(
        address: Policy.SenderFacts.Address, listed: Bool, setting: Bool,
        expected: Policy.SenderVerdict
    ) {
        let policy = Policy(authentication: .optional, acceptsOwnDomainsFromOutside: setting)
        let facts = Policy.SenderFacts(isLoggedIn: false, isListedClient: listed, address: address)
        #expect(policy.verdict(on: facts) == expected)
    }
}
