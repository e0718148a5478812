// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import TestSupport
import Testing

@testable import master

struct SocketUnitsTests {
    private func address(_ host: String, _ port: UInt16) throws -> SocketAddress {
        try #require(SocketAddress(host, port: port))
    }

    @Test func usualPortsGetDropIns() throws {
        let units = try SocketUnits([
            address("0.0.0.0", 25), address("::", 25), address("127.0.0.1", 995),
        ])
        #expect(
            units.files == [
                "wmailserver-smtp.socket.d/50-config.conf":
                    "[Socket]\nListenStream=\nListenStream=0.0.0.0:25\nListenStream=[::]:25\n",
                "wmailserver-pop3s.socket.d/50-config.conf":
                    "[Socket]\nListenStream=\nListenStream=127.0.0.1:995\n",
            ])
        #expect(
            units.masked == [
                "wmailserver-pop3.socket", "wmailserver-smtps.socket",
                "wmailserver-submission.socket",
            ])
    }

    @Test func otherPortsGetUnitsThatTheServicePullsIn() throws {
        let units = try SocketUnits([address("::1", 2525), address("127.0.0.1", 24)])
        #expect(
            units.files["wmailserver-port-2525.socket"]?.contains("ListenStream=[::1]:2525\n")
                == true)
        #expect(
            units.files["wmailserver-port-2525.socket"]?.contains("Service=wmailserver.service\n")
                == true)
        #expect(
            units.files["wmailserver.service.d/50-config.conf"]
                == "[Service]\nSockets=wmailserver-port-24.socket wmailserver-port-2525.socket\n")
        #expect(units.masked.count == 5)
    }

    @Test func filesAreWritten() throws {
        let folder = TemporaryFolder()
        let (normal, early) = ("\(folder.path)/normal", "\(folder.path)/early")
        for path in [normal, early] { mkdir(path, 0o700) }
        try SocketUnits([address("0.0.0.0", 25)]).write(normal: normal, early: early)
        let text = try File(path: "\(normal)/wmailserver-smtp.socket.d/50-config.conf").readAll()
        #expect(String(decoding: text, as: UTF8.self).hasSuffix("ListenStream=0.0.0.0:25\n"))
        var target = [CChar](repeating: 0, count: 100)
        #expect(readlink("\(early)/wmailserver-pop3.socket", &target, 99) == 9)
    }
}
