// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import master

struct IdentitiesTests {
    private let identities: Identities = {
        var numbers: [String: UInt32] = [:]
        for (index, name) in Identities.groupNames.enumerated() {
            numbers[name] = 100 + UInt32(index)
        }
        return Identities(users: numbers, groups: numbers)
    }()

    @Test func everyServiceHasAUserOfItsOwn() {
        let users = Service.allCases.compactMap { identities.workers[$0]?.user }
        #expect(Set(users).count == Service.allCases.count)
        #expect(!users.contains(identities.master.user))
    }

    @Test func nobodyIsInMoreGroupsThanItsFilesNeed() throws {
        let queue = try #require(identities.groups["wmail-queue"])
        let mail = try #require(identities.groups["wmail-mail"])
        #expect(identities.master.groups == [])
        #expect(identities.workers[.authd]?.groups == [])
        #expect(identities.workers[.deliver]?.groups == [])
        #expect(identities.workers[.smtpd]?.groups == [queue])
        #expect(identities.workers[.transmit]?.groups == [queue, mail])
        #expect(identities.workers[.pop3d]?.groups == [mail])
    }

    @Test func missingUsersAreOneLine() {
        let text = Identities.Missing(names: ["wmail", "wmail-pop"]).description
        #expect(!text.contains("\n"))
        #expect(text.contains("wmail, wmail-pop"))
        #expect(text.hasSuffix("systemd-sysusers packaging/sysusers.d/wmailserver.conf"))
    }
}
