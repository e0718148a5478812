// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import TestSupport
import Testing

@testable import master

struct FirstStartTests {
    private let folder = TemporaryFolder()

    private var places: Places { Places(root: folder.path) }

    @Test(arguments: [true, false])
    func emptyFolderBecomesAnInstance(usesWellKnownPorts: Bool) throws {
        #expect(try FirstStart.isNeeded(in: places))
        let first = FirstStart(
            places: places, hostname: "mail.example.test", usesWellKnownPorts: usesWellKnownPorts,
            identity: nil)
        try first.make()
        #expect(try !FirstStart.isNeeded(in: places))

        let configuration = try ConfigurationFile.load(places)
        #expect(configuration.warnings == [])
        #expect(try configuration.readAccounts().first?.users == [])
        #expect(configuration.hostname == "mail.example.test")
        #expect(configuration.listeners.allSatisfy { $0.address.isLoopback })
        #expect(
            configuration.listeners.map(\.address.port)
                == (usesWellKnownPorts
                    ? [25, 465, 587, 110, 995] : [2525, 2465, 2587, 2110, 2995]))
        let files = try #require(configuration.groups.first?.certificates.first)
        let credential = try files.read()
        #expect(credential.chain.hasPrefix("-----BEGIN CERTIFICATE-----"))
        #expect(credential.key.hasPrefix("-----BEGIN PRIVATE KEY-----"))
        let key = try File(path: files.key).status()
        #expect(key.permissions == 0o600)
        let group = try File(path: places.groupFile("default")).readAll()
        let users = try JSON(parsing: group).value(at: "users")
        #expect(users.members?.isEmpty == true, "no account that anybody knows the password of")
        #expect(first.welcome.split(separator: "\n").count { $0.hasPrefix("  ") } == 3)
    }

    @Test func instanceIsLeftAlone() throws {
        let first = FirstStart(
            places: places, hostname: "a.example", usesWellKnownPorts: false, identity: nil)
        try first.make()
        let before = try File(path: places.configurationFile).readAll()
        let second = FirstStart(
            places: places, hostname: "b.example", usesWellKnownPorts: false, identity: nil)
        try second.make()
        #expect(try File(path: places.configurationFile).readAll() == before)
    }

    @Test(arguments: ["thesis.tex", ".profile", "config/ssl"])
    func otherFoldersAreRefused(path: String) throws {
        var whole = folder.path
        for part in path.split(separator: "/") {
            whole += "/\(part)"
            mkdir(whole, 0o700)
        }
        #expect(throws: FirstStart.Refusal.self) { try FirstStart.isNeeded(in: places) }
    }

    @Test func filesOfThePackageAreExpectedAndKept() throws {
        mkdir(places.configuration, 0o755)
        let path = "\(places.configuration)/localMX.json"
        try File(path: path, flags: O_WRONLY | O_CREAT).write(Array("{ /* ours */ }".utf8))
        #expect(try FirstStart.isNeeded(in: places))
        var first = FirstStart(
            places: places, hostname: "a.example", usesWellKnownPorts: true, identity: nil)
        first.mailName = "b.example"
        try first.make()
        #expect(try File(path: path).readAll() == Array("{ /* ours */ }".utf8))
        let accounts = try ConfigurationFile.load(places).readAccounts()
        #expect(accounts.first?.domains == ["b.example"])
    }

    @Test(arguments: [
        ("a.example\n", "a.example"), ("A.Example", "a.example"), ("a.example\nb", "a.example"),
        ("", nil), ("\n", nil), ("not a name\n", nil), ("-x-\0", nil),
    ])
    func mailName(text: String, name: String?) {
        #expect(MailName.read(Array(text.utf8)) == name)
    }

    @Test(arguments: [["queue"], ["usermanager", "logs"], ["config"]])
    func mountedFoldersAreExpected(names: [String]) throws {
        for name in names { mkdir("\(folder.path)/\(name)", 0o700) }
        #expect(try FirstStart.isNeeded(in: places))
    }
}
