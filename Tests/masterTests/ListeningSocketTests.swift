// SPDX-License-Identifier: Apache-2.0
import CLinux
@testable import Common
import Glibc
import Testing

@testable import master

struct ListeningSocketTests {
    private func loopback(port: UInt16 = 0) -> SocketAddress {
        SocketAddress(octets: [127, 0, 0, 1], port: port)
    }

    /// A socket as systemd might hand it over: blocking, not close-on-exec, at a port of the kernel's choice.
    private func inherited(
        _ address: SocketAddress, onlyIPv6: Bool = true
    ) throws -> ListeningSocket {
        let number = try check("socket") {
            socket(
                address.isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        }
        let descriptor = FileDescriptor(owning: number)
        if address.isIPv6 {
            var value: Int32 = onlyIPv6 ? 1 : 0
            setsockopt(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &value, 4)
        }
        try check("bind") { address.bind(number) }
        try check("listen") { listen(number, 16) }
        return try ListeningSocket(inherited: descriptor)
    }

    private func option(_ level: Int32, _ name: Int32, of number: Int32) -> Int32 {
        var value: Int32 = -1
        var length = socklen_t(4)
        getsockopt(number, level, name, &value, &length)
        return value
    }

    @Test func socketIsPrepared() throws {
        let socket = try ListeningSocket(loopback())
        let number = socket.descriptor.number
        #expect(option(Int32(IPPROTO_TCP), TCP_NODELAY, of: number) == 1)
        #expect(option(SOL_SOCKET, SO_REUSEADDR, of: number) == 1)
        #expect(option(SOL_SOCKET, SO_ACCEPTCONN, of: number) == 1)
        #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func inheritedSocketIsPrepared() throws {
        let socket = try inherited(loopback())
        let number = socket.descriptor.number
        #expect(socket.address.port != 0)
        #expect(option(Int32(IPPROTO_TCP), TCP_NODELAY, of: number) == 1)
        #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func otherDescriptorsAreRefused() throws {
        let pair = try FileDescriptor.socketPair()
        let end = pair.takeOne()
        var failed = false
        do {
            _ = try ListeningSocket(inherited: end)
        } catch {
            failed = true
        }
        #expect(failed)
    }

    @Test func socketsAreMatchedByAddressNotByPosition() throws {
        let open = try [inherited(loopback()), inherited(loopback()), inherited(loopback())]
        let wanted = [open[2].address, open[0].address]
        let found = try open.sockets(for: wanted)
        #expect(found.count == 2)
        #expect(found[0] === open[2])
        #expect(found[1] === open[0])
    }

    @Test func samePortElsewhereIsNoMatch() throws {
        let open = try [inherited(loopback())]
        let port = open[0].address.port
        for octets: [UInt8] in [[0, 0, 0, 0], [127, 0, 0, 2], [UInt8](repeating: 0, count: 16)] {
            #expect(open.socket(for: SocketAddress(octets: octets, port: port)) == nil)
        }
        #expect(open.socket(for: loopback(port: port &+ 1)) == nil)
    }

    @Test(arguments: [true, false])
    func dualStackSocketIsForAllOfIPv4(onlyIPv6: Bool) throws {
        let anyIPv6 = SocketAddress(octets: [UInt8](repeating: 0, count: 16), port: 0)
        let open: [ListeningSocket]
        do {
            open = try [inherited(anyIPv6, onlyIPv6: onlyIPv6)]
        } catch let error as SystemError where error.code == EAFNOSUPPORT {
            return  // A machine without IPv6.
        }
        let port = open[0].address.port
        let all = SocketAddress(octets: [0, 0, 0, 0], port: port)
        #expect((open.socket(for: all) === open[0]) == !onlyIPv6)
        #expect(open.socket(for: loopback(port: port)) == nil)
        #expect(open.socket(for: open[0].address) === open[0])
    }

    @Test func takenPortIsAClearError() throws {
        let open = try inherited(loopback())
        let port = open.address.port
        do {
            _ = try ListeningSocket(open.address)
            Issue.record("the port is taken")
        } catch {
            #expect(
                error.description
                    == "port \(port) on 127.0.0.1 is taken by another program "
                    + "(bind: Address already in use); see which: ss -ltnp 'sport = :\(port)'")
        }
    }

    @Test(arguments: [
        (EACCES, "ports below 1024 need a start by root"),
        (EADDRNOTAVAIL, "this machine has no such address"), (EMFILE, "Too many open files"),
    ])
    func otherTroubleIsClearToo(code: Int32, words: String) {
        let error = ListenError(
            address: loopback(port: 25), error: SystemError("bind", code: code))
        #expect(error.description.hasPrefix("port 25 on 127.0.0.1 "))
        #expect(error.description.contains(words))
        #expect(!error.description.contains("\n"))
    }
}
