// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// One end of a SOCK_SEQPACKET socket: whole datagrams in and out, sent in order without waiting.
@MainActor
package final class SeqpacketLink {
    /// Datagrams that may wait for the other side to read; more means that it is stuck.
    private static let outgoingLimit = 30_000

    private let descriptor: FileDescriptor
    private let readiness: Readiness
    private var outgoing: [[UInt8]] = []
    private var sent = 0
    private var isDraining = false
    private var isOpen = true
    /// Room for the largest datagram, shared by all links: what is received is copied out before anybody waits.
    private static var buffer = [UInt8](repeating: 0, count: AccountCodec.datagramLimit)

    /// Takes over a connected socket.
    ///
    /// - Throws: `SystemError` when it cannot be registered with the event loop.
    package init(_ descriptor: consuming FileDescriptor) throws(SystemError) {
        let number = descriptor.number
        let flags = try check("fcntl F_GETFL") { fcntl(number, F_GETFL) }
        try check("fcntl F_SETFL") { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
        readiness = try Readiness(number)
        self.descriptor = descriptor
    }

    /// Sends a datagram, at once if the socket takes it; a link whose other side reads no more is closed.
    package func send(_ datagram: [UInt8]) {
        guard isOpen else { return }
        if outgoing.isEmpty, transmit(datagram) { return }
        guard isOpen else { return }
        guard outgoing.count - sent < Self.outgoingLimit else {
            Log.write(.error, "link.stuck", ["waiting": outgoing.count - sent])
            shut()
            return
        }
        outgoing.append(datagram)
        guard !isDraining else { return }
        isDraining = true
        Task { await drain() }
    }

    /// The next datagram; nil when the link has ended.
    package func receive() async -> [UInt8]? {
        while isOpen {
            let count = recv(descriptor.number, &Self.buffer, Self.buffer.count, 0)
            if count > 0 { return [UInt8](Self.buffer[..<count]) }
            if count == 0 { return nil }
            let code = errno
            if code == EINTR { continue }
            guard code == EAGAIN else { return nil }
            readiness.isReadable = false
            guard await readiness.readable(until: nil) == .ready else { return nil }
        }
        return nil
    }

    /// Ends the link; the other side sees the end of the stream.
    package func close() {
        if isOpen { shut() }
        readiness.close()
    }

    /// No more datagrams in either direction; the receiver notices and closes.
    private func shut() {
        isOpen = false
        outgoing = []
        sent = 0
        _ = shutdown(descriptor.number, Int32(SHUT_RDWR))
        readiness.interrupt()
    }

    /// Whether the datagram needs no more care: it is with the kernel, or the link has ended.
    private func transmit(_ datagram: [UInt8]) -> Bool {
        while true {
            let count = Glibc.send(
                descriptor.number, datagram, datagram.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return true }
            let code = errno
            if code == EINTR { continue }
            if code == EAGAIN || code == ENOBUFS { return false }
            shut()
            return true
        }
    }

    private func drain() async {
        while sent < outgoing.count {
            if transmit(outgoing[sent]) {
                sent += 1
                continue
            }
            readiness.isWritable = false
            guard await readiness.writable(until: nil) == .ready else { break }
        }
        outgoing = []
        sent = 0
        isDraining = false
    }
}
