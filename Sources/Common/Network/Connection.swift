// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A TCP connection on the event loop.
///
/// An idle one owns no buffer: input is read into one that all connections share.
@MainActor
package final class Connection: ByteStream {
    package internal(set) var peer: SocketAddress
    package let readiness: Readiness
    private let descriptor: FileDescriptor
    private var pending: [UInt8] = []
    private var isOpen = true
    private var localAddress: SocketAddress?

    /// Borrowed by whoever reads, between two suspensions.
    private static let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 65_536)

    /// Takes over a connected, non-blocking socket.
    ///
    /// - Throws: `SystemError` of epoll_ctl(2).
    package init(_ descriptor: consuming FileDescriptor, peer: SocketAddress) throws(SystemError) {
        self.peer = peer
        readiness = try Readiness(descriptor.number)
        self.descriptor = descriptor
    }

    isolated deinit {
        close()
    }

    /// The socket, for the TLS library; valid while the connection is open.
    package var number: Int32 { descriptor.number }

    package var local: SocketAddress {
        if let localAddress { return localAddress }
        let unknown = SocketAddress(octets: [0, 0, 0, 0], port: 0)
        do throws(SystemError) {
            let address = try SocketAddress.local(of: descriptor.number) ?? unknown
            localAddress = address
            return address
        } catch {
            return unknown
        }
    }

    /// Between two commands of its peer a connection waits in here, perhaps with thousands of others: what takes room
    /// while it runs is in functions that do not wait.
    package func read(
        until deadline: Deadline, into body: (Span<UInt8>) -> Void
    ) async throws(StreamError) -> Bool {
        while true {
            switch try attempt(body) {
            case .came: return true
            case .ended: return false
            case .nothing:
                if try !push() { try await flush(until: deadline) }
                try await waitReadable(until: deadline)
            }
        }
    }

    private enum Attempt {
        case came, ended, nothing
    }

    /// Reads if there is something.
    @inline(never)
    private func attempt(_ body: (Span<UInt8>) -> Void) throws(StreamError) -> Attempt {
        while readiness.isReadable, isOpen {
            let count = recv(descriptor.number, Self.input.baseAddress, Self.input.count, 0)
            if count > 0 {
                // Less than asked for: the socket is drained, and the next edge will tell of more.
                if count < Self.input.count, !readiness.isHungUp {
                    readiness.isReadable = false
                }
                body(Self.input.extracting(..<count).span)
                return .came
            }
            if count == 0 { return .ended }
            let code = errno
            switch code {
            case EAGAIN: readiness.isReadable = false
            case EINTR: continue
            case ECONNRESET, EPIPE: throw .closedByPeer
            default: throw .system(SystemError("recv", on: peer.description, code: code))
            }
        }
        return .nothing
    }

    /// Waits for input without reading it.
    package func waitReadable(until deadline: Deadline) async throws(StreamError) {
        guard isOpen else { throw .closedByPeer }
        switch await readiness.readable(until: deadline) {
        case .ready: return
        case .timedOut: throw .timedOut
        case .interrupted: throw isOpen ? .interrupted : .closedByPeer
        }
    }

    /// Waits until output can go.
    package func waitWritable(until deadline: Deadline) async throws(StreamError) {
        guard isOpen else { throw .closedByPeer }
        switch await readiness.writable(until: deadline) {
        case .ready: return
        case .timedOut: throw .timedOut
        case .interrupted: throw .closedByPeer
        }
    }

    package func enqueue(_ bytes: [UInt8]) {
        if pending.isEmpty { pending = bytes } else { pending += bytes }
    }

    package func enqueue(_ text: String) {
        pending.append(contentsOf: text.utf8)
    }

    package var pendingCount: Int { pending.count }

    @inline(never)
    package func flush(until deadline: Deadline) async throws(StreamError) {
        while try !push() { try await waitWritable(until: deadline) }
    }

    /// Sends what the socket takes.
    ///
    /// - Returns: Whether that was all.
    @inline(never)
    private func push() throws(StreamError) -> Bool {
        if pending.isEmpty { return true }
        var sent = 0
        while sent < pending.count {
            guard isOpen else { throw .closedByPeer }
            let count = pending.withUnsafeBytes { bytes in
                send(
                    descriptor.number, bytes.baseAddress?.advanced(by: sent), bytes.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
                continue
            }
            let code = errno
            switch code {
            case EAGAIN:
                readiness.isWritable = false
                pending.removeFirst(sent)
                return false
            case EINTR: continue
            case EPIPE, ECONNRESET:
                pending = []
                throw .closedByPeer
            default:
                pending = []
                throw .system(SystemError("send", on: peer.description, code: code))
            }
        }
        pending = []
        return true
    }

    package func interrupt() {
        readiness.interrupt()
    }

    package func close() {
        guard isOpen else { return }
        isOpen = false
        readiness.close()
        pending = []
        // The descriptor itself is released with this object; the peer learns of the end now.
        shutdown(descriptor.number, Int32(SHUT_RDWR))
    }
}
