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
        switch receive(into: UnsafeMutableRawBufferPointer(Self.input)) {
        case .octets(let count):
            body(Self.input.extracting(..<count).span)
            return .came
        case .nothing: return .nothing
        case .ended: return .ended
        case .failed(ECONNRESET), .failed(EPIPE): throw .closedByPeer
        case .failed(let code):
            throw .system(SystemError("recv", on: peer.description, code: code))
        }
    }

    /// What one attempt to receive gave.
    package enum Received {
        case octets(Int)
        /// The next edge will tell of more.
        case nothing
        case ended
        /// With the `errno` of recv(2).
        case failed(Int32)
    }

    /// Receives what is there; does not ask the kernel when it is known that nothing is.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Received {
        while readiness.isReadable, isOpen {
            let count = recv(descriptor.number, buffer.baseAddress, buffer.count, 0)
            if count > 0 {
                // Less than asked for: the socket is drained, and the next edge will tell of more.
                if count < buffer.count, !readiness.isHungUp { readiness.isReadable = false }
                return .octets(count)
            }
            if count == 0 { return .ended }
            let code = errno
            if code == EINTR { continue }
            guard code == EAGAIN else { return .failed(code) }
            readiness.isReadable = false
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

    /// So many octets are worth a send(2) of their own, and more than these do not gather.
    private static let sendingSize = 16_384

    /// Takes what the TLS library sends: little of it waits for company and goes out with the next ``flush(until:)``.
    ///
    /// - Returns: Octets taken; 0 when the socket must take some first.
    /// - Throws: `StreamError` of send(2).
    package func gather(_ bytes: UnsafeRawBufferPointer) throws(StreamError) -> Int {
        if pending.count + bytes.count < Self.sendingSize {
            pending.append(contentsOf: bytes)
            return bytes.count
        }
        guard try push() else { return 0 }
        return try octets(transmit(bytes))
    }

    package func enqueue(_ text: String) {
        pending.append(contentsOf: text.utf8)
    }

    package var pendingCount: Int { pending.count }

    @inline(never)
    package func flush(until deadline: Deadline) async throws(StreamError) {
        while try !push() { try await waitWritable(until: deadline) }
    }

    package func finish(until deadline: Deadline) async throws(StreamError) {
        try await flush(until: deadline)
    }

    /// Sends of what is pending as much as the socket takes.
    ///
    /// - Returns: Whether that was all.
    @inline(never)
    package func push() throws(StreamError) -> Bool {
        var sent = 0
        while sent < pending.count {
            let result = pending.withUnsafeBytes {
                transmit(UnsafeRawBufferPointer(rebasing: $0[sent...]))
            }
            let count: Int
            do throws(StreamError) {
                count = try octets(result)
            } catch {
                pending = []
                throw error
            }
            if count == 0 {
                pending.removeFirst(sent)
                return false
            }
            sent += count
        }
        if sent > 0 { pending = [] }
        return true
    }

    /// Sends with one call.
    ///
    /// - Returns: What send(2) does, with the negative `errno` for an error.
    private func transmit(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard isOpen else { return -Int(EPIPE) }
        while true {
            let count = send(
                descriptor.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return count }
            let code = errno
            if code != EINTR { return -Int(code) }
        }
    }

    /// What a ``transmit(_:)`` means: octets that the socket took, 0 for none now.
    private func octets(_ result: Int) throws(StreamError) -> Int {
        if result >= 0 { return result }
        let code = Int32(-result)
        switch code {
        case EAGAIN:
            readiness.isWritable = false
            return 0
        case EPIPE, ECONNRESET: throw .closedByPeer
        default: throw .system(SystemError("send", on: peer.description, code: code))
        }
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
