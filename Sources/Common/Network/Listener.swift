// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A listening socket that master has bound, perhaps shared with other workers.
@MainActor
package final class Listener {
    private let descriptor: FileDescriptor
    private var readiness: Readiness?

    /// Takes over a bound, listening socket.
    package init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Accepts until ``close()`` and hands every connection over.
    ///
    /// - Parameters:
    ///   - hasRoom: Whether this worker may take another one. Where it may not, workers that share the socket are given
    ///     the time to; only who then still waits is accepted here.
    ///   - body: Must return at once; counts the connection.
    /// - Throws: `SystemError` of epoll_ctl(2), or of accept4(2) when the socket itself is unusable.
    package func accept(
        while hasRoom: () -> Bool, _ body: (Connection) -> Void
    ) async throws(SystemError) {
        let flags = fcntl(descriptor.number, F_GETFL)
        try check("fcntl F_SETFL") { fcntl(descriptor.number, F_SETFL, flags | O_NONBLOCK) }
        var readiness = try Readiness(descriptor.number, listening: true)
        self.readiness = readiness
        while self.readiness != nil {
            readiness.isReadable = false
            guard await readiness.readable(until: nil) == .ready else { continue }
            let isCrowded = !hasRoom()
            if isCrowded {
                readiness.close()
                await sleep(until: .seconds(0.05))
                guard self.readiness != nil else { return }
                readiness = try Readiness(descriptor.number, listening: true)
                self.readiness = readiness
            }
            // A few at a time, so that those who are connected already get their turn.
            for _ in 0..<16 {
                guard self.readiness != nil else { return }
                guard isCrowded || hasRoom() else { break }
                var storage = sockaddr_storage()
                let number = wm_accept(descriptor.number, &storage)
                if number < 0 {
                    let code = errno
                    if code == EAGAIN { break }
                    try await endure(code)
                    break
                }
                let connected = FileDescriptor(owning: number)
                let peer = SocketAddress(storage) ?? SocketAddress(octets: [0, 0, 0, 0], port: 0)
                do throws(SystemError) {
                    body(try Connection(connected, peer: peer))
                } catch {
                    Log.write(.error, "listener.failed", ["error": error])
                }
            }
        }
    }

    /// Lives through what accept(2) may say of one connection or of a shortage.
    private func endure(_ code: Int32) async throws(SystemError) {
        switch code {
        case ECONNABORTED, EINTR, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT:
            return
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            Log.write(.error, "listener.exhausted", ["error": SystemError("accept4", code: code)])
            await sleep(until: .seconds(0.1))
        default:
            throw SystemError("accept4", code: code)
        }
    }

    /// Accepts nothing more; other workers that share the socket go on.
    package func close() {
        readiness?.close()
        readiness = nil
    }
}
