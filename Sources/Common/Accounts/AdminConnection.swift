// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// An operator's end of the socket `control` in the run folder; calls block for seconds at most.
package final class AdminConnection {
    private let descriptor: FileDescriptor
    /// Seconds that an answer may take.
    private static let patience = 10

    /// Connects to the server whose run folder this is.
    ///
    /// - Throws: `SystemError`: ENOENT or ECONNREFUSED when it does not run.
    package init(_ run: String) throws(SystemError) {
        let folder = try Folder(run)
        let number = try check("connect", on: "\(run)/control") {
            wm_connect_to(folder.number, "control")
        }
        descriptor = FileDescriptor(owning: number)
        var bound = timeval(tv_sec: Self.patience, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        try check("setsockopt") { setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &bound, size) }
    }

    /// Sends a datagram.
    ///
    /// - Throws: `SystemError` of send(2).
    package func send(_ text: String) throws(SystemError) {
        let bytes = Array(text.utf8)
        let number = descriptor.number
        try check("send") { Glibc.send(number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    }

    /// The next datagram; nil when the server has closed.
    ///
    /// - Throws: `SystemError` of recv(2), EAGAIN when it took too long.
    package func receive() throws(SystemError) -> String? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let number = descriptor.number
        let count = try check("recv") { recv(number, &buffer, buffer.count, 0) }
        return count == 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}
