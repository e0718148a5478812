// SPDX-License-Identifier: Apache-2.0

/// What the system knows of names without asking: read once, before the sandbox closes.
package enum SystemNames {
    /// The name servers of `resolv.conf(5)`; the loopback when there are none, as the C library does it.
    package static func nameservers(_ path: String = "/etc/resolv.conf") -> [SocketAddress] {
        var found: [SocketAddress] = []
        for words in lines(of: path) where words.first == "nameserver" && words.count > 1 {
            // A zone such as fe80::1%eth0 is left to the C library.
            if let address = SocketAddress(words[1], port: 53) { found.append(address) }
        }
        if found.isEmpty { found = [SocketAddress(octets: [127, 0, 0, 1], port: 53)] }
        return Array(found.prefix(3))
    }

    /// The names of `hosts(5)` in lower case, with their addresses.
    package static func hosts(_ path: String = "/etc/hosts") -> [String: [[UInt8]]] {
        var found: [String: [[UInt8]]] = [:]
        for words in lines(of: path) {
            guard let first = words.first, let address = SocketAddress(first, port: 0) else {
                continue
            }
            for name in words.dropFirst() {
                found[name.lowercased(), default: []].append(address.octets)
            }
        }
        return found
    }

    private static func lines(of path: String) -> [[String]] {
        do throws(SystemError) {
            let bytes = try File(path: path).readAll(limit: 1 << 20)
            return String(decoding: bytes, as: UTF8.self).split { $0 == "\n" || $0 == "\r\n" }.map {
                line in
                let comment = line.firstIndex { $0 == "#" || $0 == ";" } ?? line.endIndex
                return line[..<comment].split { $0 == " " || $0 == "\t" }.map(String.init)
            }
        } catch {
            Log.write(.warning, "names.unreadable", ["error": error])
            return []
        }
    }
}
