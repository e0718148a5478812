// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

extension SystemNames {
    /// The addresses of this host's interfaces, each once, with port 0; none where the kernel does not tell.
    package static func interfaceAddresses() -> [SocketAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var found: [SocketAddress] = []
        var next = first
        while let entry = next {
            next = entry.pointee.ifa_next
            guard let raw = entry.pointee.ifa_addr else { continue }
            let size =
                switch Int32(raw.pointee.sa_family) {
                case AF_INET: MemoryLayout<sockaddr_in>.size
                case AF_INET6: MemoryLayout<sockaddr_in6>.size
                default: 0
                }
            guard size > 0 else { continue }
            var storage = sockaddr_storage()
            memcpy(&storage, raw, size)
            guard let address = SocketAddress(storage), !found.contains(address) else { continue }
            found.append(address)
        }
        return found
    }
}
