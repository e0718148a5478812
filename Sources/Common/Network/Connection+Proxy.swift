// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

extension Connection {
    /// Reads the PROXY header that a trusted proxy sends first; from then on the client that it names is the peer.
    ///
    /// Only the header is taken from the socket: what follows may be a TLS handshake.
    ///
    /// - Parameter deadline: For the whole header.
    /// - Throws: `StreamError`; `.malformed` when there is no such header.
    package func readProxyHeader(until deadline: Deadline) async throws(StreamError) {
        var seen: [UInt8] = []
        while true {
            switch ProxyHeader(parsing: seen) {
            case .invalid: throw .malformed("no PROXY header")
            case .complete(let client, let octets):
                discard(octets)
                if let client { peer = client }
                return
            case .incomplete:
                let before = seen.count
                seen = try peek(atMost: 8192)
                if seen.count == before {
                    if readiness.isHungUp { throw .closedByPeer }
                    readiness.isReadable = false
                    try await waitReadable(until: deadline)
                }
            }
        }
    }

    private func peek(atMost limit: Int) throws(StreamError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            let count = recv(number, buffer.baseAddress, limit, Int32(MSG_PEEK))
            if count < 0 { failure = errno }
            filled = max(0, count)
        }
        switch failure {
        case 0, EAGAIN, EINTR: return bytes
        case ECONNRESET: throw .closedByPeer
        default: throw .system(SystemError("recv", on: peer.description, code: failure))
        }
    }

    private func discard(_ count: Int) {
        // They were seen with MSG_PEEK, so they are there.
        var space = [UInt8](repeating: 0, count: count)
        _ = recv(number, &space, count, 0)
    }
}
