// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Testing

@testable import smtpd

@Suite struct DestinationsTests {
    static func recipient(_ text: String, notify: Recipient.Notify? = nil) throws -> Recipient {
        Recipient(try #require(MailAddress(text)), notify: notify)
    }
    static let both: RelayEnvelope.Ways = [.smarthost, .direct]

    @Test func accountsStayHere() throws {
        var destinations = Destinations()
        let account = AccountName(group: "g", user: "u")
        #expect(
            (destinations.add(
                try Self.recipient("u@here.test"), accounts: [account], forwards: [], ways: []))
                == true)
        #expect(destinations.accounts == [account])
        #expect(!destinations.goesOut)
    }

    /// However often it is named, memory and names in the queue stay one.
    @Test func anAccountIsNamedOnce() throws {
        var destinations = Destinations()
        let accounts = ["u", "v", "u"].map { AccountName(group: "g", user: $0) }
        let recipient = try Self.recipient("u@here.test", notify: [.success])
        for _ in 0..<3 {
            #expect(
                (destinations.add(recipient, accounts: accounts, forwards: [], ways: [])) == true)
        }
        #expect(destinations.accounts.map(\.user) == ["u", "v"])
        #expect(destinations.reported == [recipient])
    }

    @Test func aReportOnSuccessIsRelaydsBusiness() throws {
        var destinations = Destinations()
        let recipient = try Self.recipient("u@here.test", notify: [.success])
        let account = AccountName(group: "g", user: "u")
        #expect((destinations.add(recipient, accounts: [account], forwards: [], ways: [])) == true)
        #expect(destinations.reported == [recipient])
        #expect(destinations.goesOut)
    }

    @Test func waysAreThoseThatAllWereGranted() throws {
        var destinations = Destinations()
        #expect((destinations.add(try Self.recipient("a@there.test"), ways: Self.both)) == true)
        #expect(destinations.ways == Self.both)
        #expect((destinations.add(try Self.recipient("b@there.test"), ways: .smarthost)) == true)
        #expect(destinations.ways == .smarthost)
        #expect((destinations.add(try Self.recipient("c@there.test"), ways: .direct)) == false)
        #expect((destinations.add(try Self.recipient("d@there.test"), ways: [])) == false)
        #expect(destinations.remote.map { "\($0.address)" } == ["a@there.test", "b@there.test"])
    }

    @Test func anAliasLeadsOnAndKeepsTheOriginalAddress() throws {
        var destinations = Destinations()
        let forward = ForwardAddress(localPart: "x", domain: "there.test")
        let alias = try Self.recipient("team+1@here.test")
        #expect(
            (destinations.add(alias, accounts: [], forwards: [forward], ways: Self.both)) == true)
        #expect(
            (destinations.add(alias, accounts: [], forwards: [forward], ways: Self.both)) == true)
        #expect(destinations.remote.count == 1)
        #expect(destinations.remote.first?.original?.parameter == "rfc822;team+2B1@here.test")
        #expect((destinations.add(alias, accounts: [], forwards: [forward], ways: [])) == false)
    }

    /// RFC 3461 §5.2.7: who inherits the request for a report on success.
    @Test(arguments: [(0, 1, true), (1, 1, false), (0, 2, false)])
    func onlyASingleForwardInheritsSuccess(accounts: Int, forwards: Int, inherits: Bool) throws {
        var destinations = Destinations()
        let alias = try Self.recipient("team@here.test", notify: [.success, .delay])
        #expect(
            (destinations.add(
                alias, accounts: (0..<accounts).map { AccountName(group: "g", user: "u\($0)") },
                forwards: (0..<forwards).map {
                    ForwardAddress(localPart: "x\($0)", domain: "there.test")
                }, ways: Self.both)) == true)
        #expect(destinations.remote.count == forwards)
        for forward in destinations.remote {
            #expect(forward.notify == (inherits ? [.success, .delay] : .delay))
            #expect(forward.original?.parameter == "rfc822;team@here.test")
        }
        #expect(destinations.reported.map(\.address) == (inherits ? [] : [alias.address]))
    }
}
