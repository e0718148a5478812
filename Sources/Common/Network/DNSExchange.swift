// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// One question to one name server.
@MainActor
enum DNSExchange {
    /// Asks in a datagram; answers that are not to this question are passed over (RFC 5452 §9.1).
    ///
    /// A socket of its own for each question gives each a random port, besides its random id.
    ///
    /// - Throws: `StreamError` when no answer comes in time.
    static func overUDP(
        _ query: [UInt8], _ server: SocketAddress, until deadline: Deadline
    ) async throws(StreamError) -> DNSResponse {
        do throws(SystemError) {
            let descriptor = try Connector.makeSocket(
                for: server, type: Int32(SOCK_DGRAM.rawValue), source: nil)
            let number = descriptor.number
            try check("connect", on: server.description) {
                server.withSocketAddress { connect(number, $0, $1) }
            }
            let readiness = try Readiness(number)
            defer { readiness.close() }
            try check("send", on: server.description) { send(number, query, query.count, 0) }
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(number, &buffer, buffer.count, 0)
                if count >= 0 {
                    if let answer = answer(Array(buffer[..<count]), to: query) { return answer }
                    continue
                }
                let code = errno
                if code == EINTR { continue }
                guard code == EAGAIN else {
                    throw SystemError("recv", on: server.description, code: code)
                }
                readiness.isReadable = false
                guard await readiness.readable(until: deadline) == .ready else {
                    throw SystemError("recv", on: server.description, code: ETIMEDOUT)
                }
            }
        } catch {
            throw error.code == ETIMEDOUT ? .timedOut : .system(error)
        }
    }

    /// Asks over TCP, for answers that do not fit (RFC 7766 §8).
    ///
    /// - Throws: `StreamError` when no answer comes in time.
    static func overTCP(
        _ query: [UInt8], _ server: SocketAddress, until deadline: Deadline
    ) async throws(StreamError) -> DNSResponse {
        let connection = try await Connector.connect(to: server, until: deadline)
        defer { connection.close() }
        connection.enqueue([UInt8(query.count >> 8), UInt8(query.count & 0xFF)] + query)
        var received: [UInt8] = []
        while true {
            let isOpen = try await connection.read(until: deadline) { bytes in
                bytes.withUnsafeBufferPointer { received.append(contentsOf: $0) }
            }
            if received.count >= 2 {
                let length = Int(received[0]) << 8 | Int(received[1])
                if received.count >= 2 + length {
                    let message = Array(received[2..<(2 + length)])
                    if let answer = answer(message, to: query) { return answer }
                    throw .closedByPeer
                }
            }
            guard isOpen else { throw .closedByPeer }
        }
    }

    /// The answer in a message, if it is one to this question.
    private static func answer(_ message: [UInt8], to query: [UInt8]) -> DNSResponse? {
        guard let response = DNSMessage.response(message),
            response.id == UInt16(query[0]) << 8 | UInt16(query[1])
        else { return nil }
        // Our own question, read back: name and type must be the same.
        var asAnswer = query
        asAnswer[2] |= 0x80
        guard let question = DNSMessage.response(asAnswer), question.name == response.name,
            question.type == response.type
        else { return nil }
        return response
    }
}
