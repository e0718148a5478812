// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import TestSupport
import Testing

@testable import master

struct PlanTests {
    private let folder = TemporaryFolder()

    private func listener(_ service: ServiceKind, group: String = "default") -> ListenerSettings {
        ListenerSettings(
            address: SocketAddress(octets: [127, 0, 0, 1], port: 0), service: service,
            implicitTLS: false, group: group, hostname: "mail.example.test")
    }

    private func configuration(_ listeners: [ListenerSettings]) -> Configuration {
        var result = Configuration(
            places: Places(root: folder.path), hostname: "mail.example.test")
        result.listeners = listeners
        result.smtpWorkers = 2
        result.pop3Workers = 3
        return result
    }

    @Test func serviceWithoutAPortNeedsNobody() {
        let both = Plan.slots(of: configuration([listener(.smtp), listener(.pop3)]))
        #expect(
            both.map(\.description) == [
                "authd.0", "deliver.0", "transmit.0", "smtpd.0", "smtpd.1", "pop3d.0", "pop3d.1",
                "pop3d.2",
            ])
        let one = Plan.slots(of: configuration([listener(.smtp)]))
        #expect(
            one.map(\.description) == ["authd.0", "deliver.0", "transmit.0", "smtpd.0", "smtpd.1"])
    }

    @Test func slicesHoldWhatTheWorkerNeedsAndNoMore() throws {
        let first = FirstStart(
            places: Places(root: folder.path), hostname: "mail.example.test",
            usesWellKnownPorts: false, identity: nil)
        try first.make()
        var configuration = try ConfigurationFile.load(Places(root: folder.path))
        configuration.listeners = [listener(.smtp), listener(.smtp), listener(.pop3)]
        let plan = try Plan(configuration, sockets: [])

        let smtp = try SMTPSlice(bytes: try #require(plan.slices[.smtpd]))
        #expect(smtp.listeners.count == 2)
        #expect(plan.sockets[.smtpd]?.count == 2)
        let key = try #require(smtp.certificates.first)
        #expect(key.credentials.count == 1)
        #expect(key.ticketKey.count == 80)
        let pop3 = try POP3Slice(bytes: try #require(plan.slices[.pop3d]))
        #expect(pop3.listeners.count == 1)
        #expect(pop3.certificates.first?.ticketKey != key.ticketKey, "no ticket is good elsewhere")
        for service in [Service.authd, .deliver, .transmit] {
            let text = String(decoding: try #require(plan.slices[service]), as: UTF8.self)
            #expect(!text.contains("PRIVATE KEY"), "\(service)")
        }

        let renewed = plan.renewed()
        let later = try SMTPSlice(bytes: try #require(renewed.slices[.smtpd]))
        #expect(later.certificates.first?.ticketKey != key.ticketKey)
        #expect(later.certificates.first?.credentials == key.credentials)
        #expect(renewed.sockets[.smtpd]?.first === plan.sockets[.smtpd]?.first)
    }

    @Test func everyBadCertificateIsNamed() throws {
        var configuration = configuration([listener(.smtp)])
        let text = """
            { "SMTPServices": { "services": { "2525": { "userGroup": "a" } } },
              "UserGroups": { "a": { "sslCert": { "cert": "x.pem", "key": "x.key" } },
                              "b": { "sslCert": { "cert": "y.pem", "key": "y.key" } } } }
            """
        configuration = try ConfigurationFile.read(
            Array(text.utf8), file: "config.json", places: Places(root: folder.path))
        do {
            _ = try Plan(configuration, sockets: [])
            Issue.record("there are no such files")
        } catch let error as ConfigurationError {
            #expect(error.problems.map(\.line) == [2, 3])
            #expect(error.problems[0].description.contains("x.pem"))
        }
    }
}
