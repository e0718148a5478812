// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import TestSupport
import Testing

@testable import wmail

/// What `wmail init` writes and says.
@Suite struct InitTests {
    private static func plan(_ words: String...) throws -> InitPlan {
        let command = try #require(try Wmail.parseAsRoot(["init"] + words) as? InitCommand)
        return try InitPlan(
            command, domain: try #require(command.domain), system: "host.localdomain")
    }

    @Test func defaultsAreSafe() throws {
        let plan = try Self.plan("--domain", "Example.org")
        #expect(plan.domain == "example.org" && plan.hostname == "mail.example.org")
        #expect(plan.listen == .loopback && plan.smarthost == nil)
        let files = try plan.files(smarthostPassword: "")
        #expect(files.addresses == ["127.0.0.1"] && files.smarthost == nil)
    }

    @Test func aSmarthostTakesAllMail() throws {
        let plan = try Self.plan(
            "--domain", "example.org", "--smarthost", "smart.example:465", "--smarthost-user", "me",
            "--listen", "all", "--ports", "1,2,3,4,5")
        let files = try plan.files(smarthostPassword: "pass\"word")
        let configuration = try ConfigurationFile.read(
            Array(files.configuration.utf8), file: "config.json", places: Places(root: "/x"))
        let smarthost = try #require(configuration.smarthosts.first)
        #expect(smarthost.host == "smart.example" && smarthost.port == 465)
        #expect(smarthost.username == "me" && smarthost.password == "pass\"word")
        #expect(smarthost.implicitTLS && configuration.transmit.methods == [.relay])
        #expect(configuration.listeners.count == 10)
        #expect(Set(configuration.listeners.map(\.address.port)) == [1, 2, 3, 4, 5])
        // The template is written beside it.
        #expect(
            configuration.warnings.allSatisfy { $0.key == "UserGroups.default.errorPath" })
    }

    static let mistakes: [[String]] = [
        ["--domain", "not a domain"], ["--domain", "a.b", "--user", "x@y"],
        ["--domain", "a.b", "--ports", "1,2,3"], ["--domain", "a.b", "--ports", "1,2,3,4,4"],
        ["--domain", "a.b", "--direct", "--smarthost", "x.y"],
        ["--domain", "a.b", "--smarthost-user", "me"], ["--domain", "a.b", "--hostname", "x-"],
    ]

    @Test(arguments: mistakes) func refuses(words: [String]) throws {
        let command = try #require(try Wmail.parseAsRoot(["init"] + words) as? InitCommand)
        #expect(throws: Failure.self) {
            try InitPlan(command, domain: command.domain ?? "", system: "h")
        }
    }

    @Test func tellsWhatToPublishAndToDoNext() throws {
        let plan = try Self.plan("--domain", "example.org", "--user", "alice")
        let address = SocketAddress(octets: [11, 0, 0, 1], port: 0)
        let answer = InitCommand.answer(
            plan, Places(root: "/x"), addresses: [address], password: "secret")
        let text = answer.text(.plain)
        for line in [
            "  mail.example.org. IN A 11.0.0.1",
            "  1.0.0.11.in-addr.arpa. IN PTR mail.example.org.",
            "  example.org. IN MX 10 mail.example.org.", "  example.org. IN TXT \"v=spf1 mx -all\"",
            "First user: alice@example.org, password: secret", "  wmail check --root /x",
        ] {
            #expect(text.split(separator: "\n").contains(Substring(line)), "\(text)")
        }
        #expect(answer.json["records"]?.elements?.count == 5)
        #expect(answer.json["user"] == "alice@example.org")
    }

    @Test func knowsAnUntouchedFirstStart() throws {
        let folder = TemporaryFolder()
        let places = Places(root: folder.path)
        let files = InitialFiles(ports: .demonstration, domain: "host", hostname: "host.example")
        try files.write(to: places, hostname: "host.example")
        #expect(try InitialFiles.areUntouched(in: places))
        let file = try File(path: places.configurationFile, flags: 0o2001)
        try file.write(Array("// mine\n".utf8))
        #expect(try !InitialFiles.areUntouched(in: places))
    }
}
