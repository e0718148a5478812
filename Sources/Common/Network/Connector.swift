// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Makes connections to other hosts.
@MainActor
package enum Connector {
    /// Connects over TCP.
    ///
    /// - Parameters:
    ///   - address: Where to.
    ///   - source: Our address to come from; nil lets the kernel choose.
    ///   - deadline: For the connection to come about.
    /// - Returns: A connection that came about.
    /// - Throws: `StreamError`: `.timedOut`, or `.system` with the reason, such as ECONNREFUSED.
    package static func connect(
        to address: SocketAddress, from source: SocketAddress? = nil, until deadline: Deadline
    ) async throws(StreamError) -> Connection {
        let connection: Connection
        do throws(SystemError) {
            connection = try begin(address, source)
        } catch {
            throw .system(error)
        }
        do throws(StreamError) {
            connection.readiness.isWritable = false
            try await connection.waitWritable(until: deadline)
        } catch {
            connection.close()
            throw error
        }
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(connection.number, SOL_SOCKET, SO_ERROR, &code, &length)
        if code != 0 {
            connection.close()
            throw .system(SystemError("connect", on: address.description, code: code))
        }
        return connection
    }

    private static func begin(
        _ address: SocketAddress, _ source: SocketAddress?
    ) throws(SystemError) -> Connection {
        let descriptor = try makeSocket(
            for: address, type: Int32(SOCK_STREAM.rawValue), source: source)
        let number = descriptor.number
        var one: Int32 = 1
        // Commands are small and wait for answers; a socket without this is slower and no more.
        setsockopt(
            number, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let result = address.withSocketAddress { Glibc.connect(number, $0, $1) }
        if result != 0, errno != EINPROGRESS {
            throw SystemError("connect", on: address.description)
        }
        return try Connection(descriptor, peer: address)
    }

    /// A non-blocking socket of the address's family.
    static func makeSocket(
        for address: SocketAddress, type: Int32, source: SocketAddress?
    ) throws(SystemError) -> FileDescriptor {
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = try check("socket") { socket(family, type | flags, 0) }
        let descriptor = FileDescriptor(owning: number)
        if let source {
            try check("bind", on: source.description) {
                source.bind(number)
            }
        }
        return descriptor
    }
}
