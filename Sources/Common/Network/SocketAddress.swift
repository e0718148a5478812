// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// An IPv4 or IPv6 address with a port.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 octets in network order; an IPv4-mapped IPv6 address is kept as IPv4.
    package let octets: [UInt8]
    package let port: UInt16

    /// From raw octets.
    ///
    /// - Parameters:
    ///   - octets: 4 or 16, in network order.
    ///   - port: In host order.
    package init(octets: [UInt8], port: UInt16) {
        precondition(octets.count == 4 || octets.count == 16)
        let mapped = octets.count == 16 && octets[..<12].elementsEqual(Self.mappedPrefix)
        self.octets = mapped ? Array(octets[12...]) : octets
        self.port = port
    }

    /// From the text of an address, such as "192.0.2.1" or "2001:db8::1"; nil when it is none.
    package init?(_ host: String, port: UInt16) {
        // The C library would read up to it and pass the rest over.
        if host.utf8.contains(0) { return nil }
        var four = [UInt8](repeating: 0, count: 4)
        var sixteen = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, host, &four) == 1 {
            self.init(octets: four, port: port)
        } else if inet_pton(AF_INET6, host, &sixteen) == 1 {
            self.init(octets: sixteen, port: port)
        } else {
            return nil
        }
    }

    private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    package var isIPv6: Bool { octets.count == 16 }

    /// Whether it is in 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        isIPv6 ? octets == [UInt8](repeating: 0, count: 15) + [1] : octets[0] == 127
    }

    /// The address alone, such as "192.0.2.1" or "2001:db8::1".
    package var host: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = isIPv6 ? AF_INET6 : AF_INET
        guard inet_ntop(family, octets, &text, socklen_t(text.count)) != nil else { return "?" }
        return String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package var description: String {
        isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// From what accept(2) or getsockname(2) filled in; nil for other families.
    init?(_ storage: sockaddr_storage) {
        var storage = storage
        let address: SocketAddress? = withUnsafeBytes(of: &storage) { bytes in
            // The same place in sockaddr_in and sockaddr_in6.
            let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            switch Int32(bytes.load(as: sa_family_t.self)) {
            case AF_INET: return SocketAddress(octets: Array(bytes[4..<8]), port: port)
            case AF_INET6: return SocketAddress(octets: Array(bytes[8..<24]), port: port)
            default: return nil
            }
        }
        guard let address else { return nil }
        self = address
    }

    /// Gives a socket this address (bind(2)): 0, or -1 with errno.
    package func bind(_ socket: Int32) -> Int32 {
        withSocketAddress { Glibc.bind(socket, $0, $1) }
    }

    /// Calls `body` with the C form for bind(2) and connect(2).
    ///
    /// Not for other modules: both Glibc and CLinux declare `sockaddr`, and whose it is depends on which of them
    /// the compiler happens to load first.
    func withSocketAddress<Value>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value {
        var storage = sockaddr_storage()
        let length = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        storage.ss_family = sa_family_t(isIPv6 ? AF_INET6 : AF_INET)
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes[2] = UInt8(port >> 8)
            bytes[3] = UInt8(port & 0xFF)
            for (index, octet) in octets.enumerated() { bytes[(isIPv6 ? 8 : 4) + index] = octet }
        }
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(length))
            }
        }
    }

    /// The address that a socket is bound to; nil for a socket of another kind.
    ///
    /// - Throws: `SystemError` of getsockname(2).
    package static func local(of descriptor: Int32) throws(SystemError) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try check("getsockname") {
            withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    getsockname(descriptor, $0, &length)
                }
            }
        }
        return SocketAddress(storage)
    }
}
