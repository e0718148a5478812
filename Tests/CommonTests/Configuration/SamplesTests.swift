// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

/// The samples and the files of a first start are right, and say all there is to say.
@Suite struct SamplesTests {
    static let samples =
        "\(#filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined())/samples"
    static let places = Places(root: samples)

    static func sample(_ name: String) throws -> [UInt8] {
        try File(path: "\(samples)/\(name)").readAll()
    }

    @Test func theSampleIsRight() throws {
        let result = try ConfigurationFile.load(Self.places)
        #expect(result.warnings.isEmpty)
        #expect(result.localMX.routes.map(\.domain) == ["friend.example", "intranet.example"])
        #expect(result.groups.first?.reportTemplate?.text.isEmpty == false)
        #expect(result.listeners.allSatisfy { $0.address.isLoopback })
        let accounts = try AccountFile.load(group: "default", places: Self.places)
        #expect(accounts.warnings.isEmpty)
        #expect(accounts.users.count == 3)
    }

    @Test func theFullSampleIsRight() throws {
        let bytes = try Self.sample("config/config.full.json")
        let result = try ConfigurationFile.read(
            bytes, file: "config.full.json", places: Self.places)
        #expect(result.warnings.isEmpty)
        #expect(result.smarthosts.map(\.port) == [587, 465])
    }

    /// The full sample shows the defaults, so what it sets to them may be left out.
    @Test func theFullSampleShowsTheDefaults() throws {
        let bytes = try Self.sample("config/config.full.json")
        let result = try ConfigurationFile.read(
            bytes, file: "config.full.json", places: Self.places)
        #expect(result.reception == ReceptionSettings())
        #expect(result.mailboxAccess == MailboxAccessSettings())
        #expect(result.security == SecuritySettings())
        #expect(result.anonymousRelay == AnonymousRelay())
        var transmit = result.transmit
        transmit.noDirect = []
        transmit.sourceIPv4 = nil
        transmit.sourceIPv6 = nil
        #expect(transmit == TransmitSettings())
    }

    /// Keys that are only understood because old files may hold them.
    static let dead: Set<String> = [
        "APIServer", "Integrations", "SMTPSettings.relayMode", "SMTPSettings.relayList",
        "SMTPServices.MailRelay.useSSL", "SMTPServices.MailRelay.more[].useSSL",
    ]

    @Test func theFullSampleNamesEveryKey() throws {
        let bytes = try Self.sample("config/config.full.json")
        let known = try ConfigurationFile.knownKeys(in: bytes, places: Self.places)
        var named: Set<String> = []
        Self.collect(try JSON(parsing: bytes), [], into: &named)
        #expect(known.subtracting(named).sorted() == Self.dead.sorted())
    }

    /// The keys of a file as patterns: names that the operator chooses are `*`, elements of lists `[]`.
    static func collect(_ json: JSON, _ path: [String], into keys: inout Set<String>) {
        for element in json.elements ?? [] {
            let list = path.dropLast() + [(path.last ?? "") + "[]"]
            collect(element, Array(list), into: &keys)
        }
        for member in json.members ?? [] {
            let isChosen = path.last == "services" || path == ["UserGroups"]
            let inner = path + [isChosen ? "*" : member.key]
            keys.insert(inner.joined(separator: "."))
            collect(member.value, inner, into: &keys)
        }
    }

    @Test(arguments: [InitialFiles.Ports.wellKnown, .demonstration])
    func aFirstStartIsSafe(_ ports: InitialFiles.Ports) throws {
        for hostname in [nil, "mail.example.test"] {
            let first = InitialFiles(ports: ports, domain: "example.test", hostname: hostname)
            let result = try configuration(first.configuration)
            #expect(result.hostname == hostname ?? "mail.example.org")
            #expect(result.warnings.map(\.key) == ["UserGroups.default.errorPath"])
            #expect(
                result.listeners.allSatisfy { $0.address.isLoopback && $0.allowRelayFrom.isEmpty })
            #expect(
                result.listeners.map(\.address.port)
                    == [ports.smtp, ports.smtps, ports.submission, ports.pop3, ports.pop3s])
            #expect(result.listeners.map(\.implicitTLS) == [false, true, false, false, true])
            #expect(result.listeners.map(\.auth).prefix(3) == [.optional, .optional, .required])
            #expect(result.smarthosts.isEmpty && !result.anonymousRelay.isAllowed)
            let empty = try AccountFileTests.read(first.group())
            #expect(empty.users.isEmpty && empty.domains == ["example.test"])
            let one = try AccountFileTests.read(first.group(user: "demo", password: "a\"b"))
            #expect(one.user("demo")?.password == "a\"b")
            let (localMX, warnings) = try LocalMX.read(
                Array(first.localMX.utf8), file: "localMX.json")
            #expect(localMX == LocalMX() && warnings.isEmpty)
        }
        let template = try String(decoding: Self.sample("config/error.txt"), as: UTF8.self)
        #expect(template == InitialFiles.reportTemplate)
    }
}
