// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Which TCP ports of this host are listened on, and by whom.
struct ListeningPorts: Equatable {
    /// A listening socket.
    struct Socket: Equatable {
        let address: SocketAddress
        let inode: Int
    }

    /// A process that holds one.
    struct Holder: Hashable {
        let name: String
        let process: Int
    }

    let sockets: [Socket]
    /// By inode; those of processes that we may look at.
    let holders: [Int: Set<Holder>]

    init(sockets: [Socket], holders: [Int: Set<Holder>] = [:]) {
        self.sockets = sockets
        self.holders = holders
    }

    /// As the kernel has them now.
    static func now() -> Self {
        let sockets = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { path in
            parse(contents(path))
        }
        return Self(sockets: sockets, holders: holders(of: Set(sockets.map(\.inode))))
    }

    /// The sockets that would be in the way of one at this address.
    func sockets(at address: SocketAddress) -> [Socket] {
        sockets.filter { socket in
            guard socket.address.port == address.port else { return false }
            let isAny = socket.address.octets.allSatisfy { $0 == 0 }
            let wantsAny = address.octets.allSatisfy { $0 == 0 }
            if socket.address.octets == address.octets { return true }
            let isSameFamily = socket.address.isIPv6 == address.isIPv6
            return (isAny || wantsAny) && isSameFamily
        }
    }

    /// The listening sockets of a table of proc(5).
    static func parse(_ table: String) -> [Socket] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            // State 0A is TCP_LISTEN.
            guard fields.count > 9, fields[3] == "0A", let inode = Int(fields[9]) else {
                return nil
            }
            let parts = fields[1].split(separator: ":")
            guard parts.count == 2, let port = UInt16(parts[1], radix: 16),
                let octets = octets(parts[0])
            else { return nil }
            return Socket(address: SocketAddress(octets: octets, port: port), inode: inode)
        }
    }

    /// Words of four octets, each in the host's order.
    private static func octets(_ digits: Substring) -> [UInt8]? {
        let digits = Array(digits)
        guard digits.count == 8 || digits.count == 32 else { return nil }
        var octets: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 8) {
            guard let word = UInt32(String(digits[start..<start + 8]), radix: 16) else {
                return nil
            }
            withUnsafeBytes(of: word) { octets += $0 }
        }
        return octets
    }

    private static func holders(of inodes: Set<Int>) -> [Int: Set<Holder>] {
        var found: [Int: Set<Holder>] = [:]
        for process in names(in: "/proc").compactMap({ Int($0) }) {
            for number in names(in: "/proc/\(process)/fd") {
                guard let target = link("/proc/\(process)/fd/\(number)"),
                    target.hasPrefix("socket:["), let inode = Int(target.dropFirst(8).dropLast()),
                    inodes.contains(inode)
                else { continue }
                let name = contents("/proc/\(process)/comm").split(separator: "\n").first ?? "?"
                found[inode, default: []].insert(Holder(name: String(name), process: process))
            }
        }
        return found
    }

    /// What we may not look at, or what is gone meanwhile, is not there for us.
    private static func names(in path: String) -> [String] {
        do throws(SystemError) {
            return try Folder(path, listable: true).names()
        } catch {
            return []
        }
    }

    private static func contents(_ path: String) -> String {
        do throws(SystemError) {
            return String(decoding: try File(path: path).readAll(limit: 16 << 20), as: UTF8.self)
        } catch {
            return ""
        }
    }

    private static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        let count = readlink(path, &buffer, buffer.count)
        let octets = buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
        return count > 0 ? String(decoding: octets, as: UTF8.self) : nil
    }
}
