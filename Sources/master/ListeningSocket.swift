// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import Glibc

/// A socket that listens at an address; closed when the last generation that uses it is gone.
final class ListeningSocket: Sendable {
    /// Where it listens.
    let address: SocketAddress
    /// Whether an IPv6 socket takes IPv4 connections too.
    let isDualStack: Bool
    let descriptor: FileDescriptor

    /// Takes over a socket that listens already.
    ///
    /// - Throws: `SystemError` of getsockname(2) or setsockopt(2); EAFNOSUPPORT for another kind of socket.
    init(inherited descriptor: consuming FileDescriptor) throws(SystemError) {
        let number = descriptor.number
        let address = try SocketAddress.local(of: number)
        guard let address else { throw SystemError("getsockname", code: EAFNOSUPPORT) }
        self.address = address
        var onlyIPv6: Int32 = 1
        var length = socklen_t(MemoryLayout<Int32>.size)
        isDualStack =
            address.isIPv6
            && getsockopt(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &onlyIPv6, &length) == 0
            && onlyIPv6 == 0
        self.descriptor = descriptor
        try Self.prepare(number)
    }

    /// Binds and listens.
    ///
    /// - Throws: `ListenError` with what to do about it.
    init(_ address: SocketAddress) throws(ListenError) {
        self.address = address
        isDualStack = false
        do throws(SystemError) {
            descriptor = try Self.listen(at: address)
        } catch {
            throw ListenError(address: address, error: error)
        }
    }

    private static func listen(at address: SocketAddress) throws(SystemError) -> FileDescriptor {
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = FileDescriptor(
            owning: try check("socket") { socket(family, kind, 0) })
        let number = descriptor.number
        // A restart may bind again while old connections linger.
        try set(number, SOL_SOCKET, SO_REUSEADDR)
        if address.isIPv6 { try set(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        try check("bind") { address.bind(number) }
        try prepare(number)
        try check("listen") { Glibc.listen(number, 4096) }
        return descriptor
    }

    /// What accepted sockets inherit, and what this one needs.
    private static func prepare(_ number: Int32) throws(SystemError) {
        try set(number, Int32(IPPROTO_TCP), TCP_NODELAY)
        try check("fcntl F_SETFL") { fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }
        try check("fcntl F_SETFD") { fcntl(number, F_SETFD, FD_CLOEXEC) }
    }

    private static func set(_ number: Int32, _ level: Int32, _ option: Int32) throws(SystemError) {
        var on: Int32 = 1
        try check("setsockopt") {
            setsockopt(number, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}

/// A port that cannot be listened at.
struct ListenError: Error, Equatable, CustomStringConvertible {
    let address: SocketAddress
    let error: SystemError

    var description: String {
        let place = "port \(address.port) on \(address.host)"
        switch error.code {
        case EADDRINUSE:
            return "\(place) is taken by another program (\(error)); "
                + "see which: ss -ltnp 'sport = :\(address.port)'"
        case EACCES:
            return "\(place) may not be opened (\(error)); ports below 1024 need a start by root "
                + "or systemd's sockets"
        case EADDRNOTAVAIL:
            return "\(place) cannot be opened (\(error)); this machine has no such address"
        default:
            return "\(place) cannot be opened (\(error))"
        }
    }
}

extension [ListeningSocket] {
    /// The sockets for these addresses, in their order: those at hand first, matched by address and port and never
    /// by their position; the others are bound.
    ///
    /// - Throws: `ListenError` for the first address that cannot be bound.
    func sockets(for addresses: [SocketAddress]) throws(ListenError) -> [ListeningSocket] {
        var result: [ListeningSocket] = []
        for address in addresses {
            if let open = socket(for: address) {
                result.append(open)
            } else {
                result.append(try ListeningSocket(address))
            }
        }
        return result
    }

    /// The one that listens at this address; for all of IPv4 also one that takes both kinds at this port.
    func socket(for address: SocketAddress) -> ListeningSocket? {
        if let exact = first(where: { $0.address == address }) { return exact }
        guard !address.isIPv6, address.octets.allSatisfy({ $0 == 0 }) else { return nil }
        return first { socket in
            socket.isDualStack && socket.address.port == address.port
                && socket.address.octets.allSatisfy { $0 == 0 }
        }
    }
}
