// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail
import SMTP

/// The connection to the server of this machine; everything in it waits.
struct Line {
    /// Why there is no answer.
    struct Trouble: Error {
        let description: String
    }

    private let socket: Int32

    /// Connects to a port of this machine.
    init(port: UInt16) throws(Trouble) {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw Trouble(description: "socket: \(Self.reason)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            throw Trouble(description: "no server at port \(port) of this machine: \(Self.reason)")
        }
    }

    /// Sends one message and says what became of each recipient.
    func deliver(
        _ submission: Submission, from mailName: String
    ) throws(Trouble) -> [Outcome] {
        var session = ClientSession(
            settings: ClientSettings(name: mailName, encryption: .none))
        var outcomes: [Outcome] = []
        var hasBegun = false
        while true {
            switch session.next() {
            case .wait(let patience):
                let bytes = try receive(seconds: Int(patience.seconds))
                if bytes.isEmpty { session.ended("the server closed the connection") }
                session.receive(bytes)
            case .send(let bytes): try send(bytes)
            case .startTLS: session.ended("TLS was not asked for")
            case .ready:
                if hasBegun {
                    session.quit()
                } else {
                    hasBegun = true
                    session.begin(ClientTransaction(submission))
                }
            case .content:
                var stuffing = DotStuffing()
                var encoded: [UInt8] = []
                stuffing.encode(submission.message.span, into: &encoded)
                stuffing.finish(into: &encoded)
                // The session itself sends the dot.
                try send(encoded.dropLast(3))
                session.contentSent()
            case .settled(let settled): outcomes = settled
            case .close(let outcome):
                if !outcomes.isEmpty { return outcomes }
                throw Trouble(description: outcome?.text ?? "the server ended the session")
            }
        }
    }

    /// Carries bytes both ways between the caller and the server, until either ends.
    func relay() throws(Trouble) {
        var watched = [
            pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
        ]
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            guard poll(&watched, 2, -1) >= 0 || errno == EINTR else {
                throw Trouble(description: "poll: \(Self.reason)")
            }
            if watched[1].revents != 0 {
                let count = read(socket, &buffer, buffer.count)
                guard count > 0 else { return }
                try Self.write(buffer[..<count], to: 1)
            }
            guard watched[0].revents != 0 else { continue }
            let count = read(0, &buffer, buffer.count)
            if count <= 0 {
                shutdown(socket, Int32(SHUT_WR))
                watched[0].fd = -1
                watched[0].revents = 0
            } else {
                try Self.write(buffer[..<count], to: socket)
            }
        }
    }

    private func send(_ bytes: some Sequence<UInt8>) throws(Trouble) {
        try Self.write(Array(bytes)[...], to: socket)
    }

    private func receive(seconds: Int) throws(Trouble) -> [UInt8] {
        var patience = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(
            socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count >= 0 { return Array(buffer[..<count]) }
            guard errno == EINTR else { throw Trouble(description: "recv: \(Self.reason)") }
        }
    }

    private static func write(_ bytes: ArraySlice<UInt8>, to number: Int32) throws(Trouble) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw Trouble(description: "write: \(reason)")
            }
            rest = rest.dropFirst(count)
        }
    }

    private static var reason: String { String(cString: strerror(errno)) }
}

extension ClientTransaction {
    /// 8BITMIME where it is needed; the server says whether it has it.
    fileprivate init(_ submission: Submission) {
        self.init(
            sender: submission.sender,
            recipients: submission.recipients.map { Recipient($0) },
            size: submission.message.count,
            isEightBit: submission.message.contains { $0 > 127 })
    }
}
