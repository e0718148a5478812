// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// What this host is called and which addresses it has: mail that would come back to it is not sent.
nonisolated struct OwnHost: Equatable, Sendable {
    let name: String
    let addresses: Set<[UInt8]>

    /// A host with a name and addresses.
    init(name: String, addresses: Set<[UInt8]>) {
        self.name = name.lowercased()
        self.addresses = addresses
    }

    /// This machine, under its configured name; asks the kernel, before the sandbox forbids it.
    init(name: String) {
        self.init(name: name, addresses: Self.interfaceAddresses())
    }

    /// Whether a mail exchanger's name is ours.
    func isNamed(_ host: String) -> Bool { host.lowercased() == name }

    /// Whether a connection would end here: only port 25 receives mail for the domains of others.
    func has(_ address: SocketAddress) -> Bool {
        address.port == 25
            && (addresses.contains(address.octets) || address.octets == [0, 0, 0, 0])
    }

    private static func interfaceAddresses() -> Set<[UInt8]> {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else {
            Log.write(.warning, "relay.addresses-unknown", ["error": SystemError("getifaddrs")])
            return []
        }
        defer { freeifaddrs(list) }
        var found: Set<[UInt8]> = []
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            guard let address = entry.pointee.ifa_addr else { continue }
            let bytes = UnsafeRawPointer(address)
            switch Int32(address.pointee.sa_family) {
            case AF_INET:
                found.insert([UInt8](UnsafeRawBufferPointer(start: bytes + 4, count: 4)))
            case AF_INET6:
                found.insert([UInt8](UnsafeRawBufferPointer(start: bytes + 8, count: 16)))
            default: continue
            }
        }
        return found
    }
}
