// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct SliceTests {
    /// A configuration in which every setting differs from its default.
    private func everything() throws -> Configuration {
        let bytes = try SamplesTests.sample("config/config.full.json")
        var result = try ConfigurationFile.read(
            bytes, file: "config.full.json", places: Places(root: "/srv"))
        result.reception.capabilities.withheld = ["DSN"]
        result.reception.dataTimeout = 1.5
        result.reception.minDataRate = 7
        result.anonymousRelay.isAllowed = true
        result.anonymousRelay.mode = .blacklist
        result.anonymousRelay.blacklist = [Wildcard("*.x")]
        result.security.neverBlock = IPNetwork.loopback
        result.tls.minimumVersion = .tls13
        result.localMX = LocalMX(routes: [.init(domain: "a.b", hosts: ["c", "d"], ports: [465])])
        result.groups = [
            GroupSettings(
                name: "default", reportTemplate: ReportTemplate("Subject: $TITLE\n\n<p>$REASON")),
            GroupSettings(name: "other"),
        ]
        result.transmit.nameservers = [try #require(SocketAddress("::1", port: 5353))]
        return result
    }

    private let certificates = ["default", "unused"].map { group in
        GroupTLS(
            group: group, credentials: [TLSCredential(chain: "-----\n", key: "k")],
            ticketKey: Array(0..<80))
    }

    @Test func roundTrips() throws {
        let configuration = try everything()
        let smtp = SMTPSlice(configuration, certificates: certificates)
        #expect(try SMTPSlice(bytes: smtp.bytes) == smtp)
        let pop3 = POP3Slice(configuration, certificates: certificates)
        #expect(try POP3Slice(bytes: pop3.bytes) == pop3)
        let deliver = DeliverSlice(configuration)
        #expect(try DeliverSlice(bytes: deliver.bytes) == deliver)
        let transmit = TransmitSlice(configuration)
        #expect(try TransmitSlice(bytes: transmit.bytes) == transmit)
        let auth = AuthSlice(configuration)
        #expect(try AuthSlice(bytes: auth.bytes) == auth)
    }

    @Test func givesEachWorkerItsOwnPartOnly() throws {
        var configuration = try everything()
        configuration.smtpWorkers = 3
        let smtp = SMTPSlice(configuration, certificates: certificates)
        #expect(smtp.certificates.map(\.group) == ["default"])
        #expect(smtp.listeners.allSatisfy { $0.service == .smtp })
        #expect(smtp.settings.maxConnections == 6667)
        #expect(smtp.settings.maxMemory == ((256 << 20) + 2) / 3)
        #expect(smtp.methods == [.relay, .direct])
        configuration.smarthosts = []
        #expect(SMTPSlice(configuration, certificates: []).methods == [.direct])
        configuration = try everything()
        let others = [
            smtp.bytes, POP3Slice(configuration, certificates: certificates).bytes,
            DeliverSlice(configuration).bytes, AuthSlice(configuration).bytes,
        ]
        for slice in others {
            #expect(!String(decoding: slice, as: UTF8.self).contains("change me"))
        }
        let transmit = String(decoding: TransmitSlice(configuration).bytes, as: UTF8.self)
        #expect(transmit.contains("change me") && !transmit.contains("ticketKey"))
    }

    @Test func namesWhatItCannotUnderstand() {
        #expect(throws: SliceError.content(JSONMismatch(path: "root", expected: "a text"))) {
            try AuthSlice(bytes: Array("{}".utf8))
        }
        #expect(throws: SliceError.self) { try AuthSlice(bytes: [0xFF]) }
    }
}
