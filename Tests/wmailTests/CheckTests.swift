// SPDX-License-Identifier: Apache-2.0
import Common
import TestSupport
import Testing

@testable import wmail

/// The judgements of `wmail check`, each with what mends it.
@Suite struct CheckTests {
    @Test func theWorstVerdictIsTheExitCode() {
        let ok = Verdict.ok("a", "b", "c")
        let skipped = Verdict.skipped("a", "b", "c")
        let warn = Verdict.warn("a", "b", "c", cure: "d")
        let fail = Verdict.fail("a", "b", "c", cure: "d")
        #expect(Answer([ok, skipped]).status == .good)
        #expect(Answer([ok, warn]).status == .failed)
        #expect(Answer([warn, fail, ok]).status == .no)
    }

    @Test func aVerdictIsALineWithItsCureBelow() {
        let verdict = Verdict.fail("port", "smtp 0.0.0.0:25", "taken by exim4", cure: "one\ntwo")
        #expect(
            verdict.text(.plain)
                == "fail    port  smtp 0.0.0.0:25: taken by exim4\n        → one\n        → two\n")
        #expect(
            Answer([verdict]).json["verdicts"]?[0] == [
                "verdict": "fail", "check": "port", "subject": "smtp 0.0.0.0:25",
                "finding": "taken by exim4", "cure": "one\ntwo",
            ])
        #expect(
            Answer([verdict]).json["counts"] == ["ok": 0, "warn": 0, "fail": 1, "skipped": 0])
    }

    // MARK: Ports

    static let table = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 0100007F:0A1B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1
           1: 0100007F:0A1C 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1
           2: 00000000:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1
        """

    @Test func readsTheKernelsTable() throws {
        let sockets = ListeningPorts.parse(Self.table)
        #expect(sockets.map(\.address.description) == ["127.0.0.1:2587", "0.0.0.0:25"])
        #expect(sockets.map(\.inode) == [4711, 4713])
        let six = ListeningPorts.parse(
            "head\n 0: 00000000000000000000000001000000:0019 x 0A 0 0 0 0 0 12 0\n")
        #expect(six.map(\.address.description) == ["[::1]:25"])
    }

    private static func configuration(port: UInt16 = 25) throws -> Configuration {
        var configuration = Configuration(places: Places(root: "/x"), hostname: "mail.example.org")
        configuration.groups = [GroupSettings(name: "default")]
        configuration.listeners = [
            ListenerSettings(
                address: try #require(SocketAddress("127.0.0.1", port: port)), service: .smtp,
                implicitTLS: false, group: "default", hostname: "mail.example.org")
        ]
        return configuration
    }

    @Test func tellsOurSocketsFromOthers() throws {
        let configuration = try Self.configuration()
        let socket = ListeningPorts.parse(Self.table)[1]
        func verdict(_ names: String...) -> Verdict? {
            let holders = names.enumerated().map {
                ListeningPorts.Holder(name: $0.element, process: $0.offset)
            }
            return PortCheck.verdicts(
                of: configuration,
                listening: ListeningPorts(sockets: [socket], holders: [4713: Set(holders)])
            ).first
        }
        #expect(verdict("master", "smtpd")?.kind == .ok)
        #expect(verdict("systemd")?.kind == .ok)
        #expect(
            verdict("exim4")
                == .fail(
                    "port", "smtp 127.0.0.1:25", "taken by exim4 (process 0)",
                    cure: "systemctl disable --now exim4   # or give this service another port"))
        #expect(verdict()?.kind == .skipped)
        let none = PortCheck.verdicts(of: configuration, listening: ListeningPorts(sockets: []))
        #expect(none.map(\.kind) == [.warn] && none[0].cure == "master --root /x")
    }

    // MARK: Rights

    @Test func secretsThatEverybodyReadsAreNamed() throws {
        let folder = TemporaryFolder()
        let path = "\(folder.path)/group.json"
        let file = try File(path: path, flags: 0o101, mode: 0o600)
        let owner = Identity(user: try file.status().owner, group: 12_345)
        let other = Identity(user: owner.user + 1, group: 12_345)
        func verdicts(_ mode: UInt32, isSecret: Bool, reader: Identity) throws -> [Verdict] {
            try file.setMode(mode)
            return RightsCheck.verdicts(
                path: path, try FileStatus(of: path), isSecret: isSecret, reader: reader,
                cure: "chown x FILE")
        }
        #expect(try verdicts(0o600, isSecret: true, reader: owner).isEmpty)
        let open = try verdicts(0o644, isSecret: true, reader: owner)
        #expect(open.map(\.kind) == [.fail] && open[0].cure == "chmod o-rwx \(path)")
        let writable = try verdicts(0o666, isSecret: false, reader: owner)
        #expect(writable.map(\.cure) == ["chmod o-w \(path)"])
        let closed = try verdicts(0o600, isSecret: true, reader: other)
        #expect(closed.map(\.kind) == [.warn] && closed[0].cure == "chown x \(path)")
    }

    @Test(arguments: [
        (1 << 40, nil, Verdict.Kind.ok), (500 << 20, nil, .warn), (10 << 20, nil, .fail),
        (1 << 40, 500, .fail), (1 << 40, 5000, .warn),
    ])
    func roomOnTheDisk(free: Int, files: Int?, kind: Verdict.Kind) {
        #expect(DiskCheck.verdict("/var", free: free, files: files).kind == kind)
    }

    // MARK: Certificates

    @Test(arguments: [(90, Verdict.Kind.ok), (15, .ok), (13, .warn), (0, .warn), (-2, .fail)])
    func expiry(days: Int, kind: Verdict.Kind) {
        let verdict = CertificateCheck.expiry("/c", secondsLeft: days * 86_400)
        #expect(verdict.kind == kind)
        #expect((kind == .ok) == verdict.cure.isEmpty)
    }

    @Test func looksAtCertificates() throws {
        let own = try SelfSigned.make(hostname: "mail.example.org", identity: nil)
        let certificate = try Certificate(own, hosts: ["mail.example.org", "other.example"])
        #expect(certificate.names == ["mail.example.org", "localhost"])
        #expect(certificate.covers("mail.example.org") && !certificate.covers("other.example"))
        #expect(certificate.trust == .selfSigned && !certificate.isFromFuture)
        #expect((3649 * 86_400...3650 * 86_400).contains(certificate.secondsLeft))

        let other = try SelfSigned.make(hostname: "other.example", identity: nil)
        func fault(_ chain: String, _ key: String) -> Certificate.Fault? {
            do throws(Certificate.Fault) {
                _ = try Certificate(TLSCredential(chain: chain, key: key), hosts: [])
                return nil
            } catch {
                return error
            }
        }
        #expect(fault(own.chain, other.key) == .wrongKey)
        #expect(fault("nothing", own.key) == .noCertificate)
        #expect(fault(own.chain, "nothing") == .noKey)
    }
}
