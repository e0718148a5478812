// SPDX-License-Identifier: Apache-2.0
// Modules: CLinux CommonProxy=Common/Network/ProxyHeader.swift,Common/Network/SocketAddress.swift,Common/System/SystemError.swift
import CommonProxy

/// A header is understood the same way however it arrives, ends where it says, and what follows it changes nothing.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let whole = ProxyHeader(parsing: bytes)
    switch whole {
    case .complete(let client, let octets):
        precondition(octets > 0 && octets <= bytes.count, "more than there is")
        precondition(ProxyHeader(parsing: Array(bytes[..<octets])) == whole, "depends on the rest")
        precondition(ProxyHeader(parsing: bytes + [0x0D, 0x0A, 0xFF]) == whole)
        precondition(ProxyHeader(parsing: Array(bytes[..<(octets - 1)])) == .incomplete)
        if let client {
            // What goes to the log, to authd and into Received reads as the same address again.
            precondition(SocketAddress(client.host, port: client.port) == client)
            let isPlain = client.host.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || ".:".utf8.contains($0)
            }
            precondition(isPlain, "not fit for a log line")
        }
    case .incomplete:
        precondition(bytes.count < 16 + 4096, "waits for ever")
        for cut in [bytes.count / 2, max(0, bytes.count - 1)] {
            precondition(ProxyHeader(parsing: Array(bytes[..<cut])) == .incomplete)
        }
    case .invalid:
        // No octet that follows can make it right.
        precondition(ProxyHeader(parsing: bytes + Array(" TCP4\r\n".utf8)) == .invalid)
    }
    return 0
}
