// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import Glibc

/// master's end of a worker's control socket: one datagram per order or report.
final class ControlSocket {
    enum Report: Equatable {
        case ready
        case alive
        case unknown(String)
        /// The worker closed its end; its death will be told.
        case end
    }

    private let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    var number: Int32 { descriptor.number }

    /// The next report; nil when there is none yet.
    func next() -> Report? {
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = recv(descriptor.number, &buffer, buffer.count, 0)
            let code = errno
            if count < 0, code == EINTR { continue }
            if count < 0, code == EAGAIN { return nil }
            guard count > 0 else { return .end }
            switch String(decoding: buffer[..<count], as: UTF8.self) {
            case "ready": return .ready
            case "alive": return .alive
            case let text: return .unknown(text)
            }
        }
    }

    /// Gives an order, perhaps with a descriptor, which stays open here.
    ///
    /// - Throws: `SystemError` of sendmsg(2): EAGAIN for a worker that reads no more, EPIPE for a dead one.
    func order(_ words: String, passing passed: Int32 = -1) throws(SystemError) {
        let number = descriptor.number
        let bytes = Array(words.utf8)
        try check("sendmsg", on: words) {
            wm_send_descriptor(number, bytes, bytes.count, passed)
        }
    }
}
