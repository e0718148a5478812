// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// What systemd's generator says of the ports, so that `config.json` is the one place where they stand.
///
/// The package has a socket unit for each usual port, for this machine alone; a drop-in of the generator gives it the
/// configured addresses, or masks it when no service listens at its port. Other ports get a whole unit.
struct SocketUnits: Equatable {
    /// A path below the generator's normal folder, and what stands there.
    let files: [String: String]
    /// Units below the generator's early folder that are to be nothing.
    let masked: [String]

    /// The units that the package brings.
    static let usual: [UInt16: String] = [
        25: "smtp", 465: "smtps", 587: "submission", 110: "pop3", 995: "pop3s",
    ]

    /// For all addresses of the configuration.
    init(_ addresses: [SocketAddress]) {
        let ports = Dictionary(grouping: addresses, by: \.port)
        var files: [String: String] = [:]
        var others: [String] = []
        for (port, addresses) in ports {
            let streams = addresses.map { "ListenStream=\($0)\n" }.joined()
            if let name = Self.usual[port] {
                files["wmailserver-\(name).socket.d/50-config.conf"] =
                    "[Socket]\nListenStream=\n\(streams)"
            } else {
                let unit = "wmailserver-port-\(port).socket"
                others.append(unit)
                files[unit] = """
                    [Unit]
                    Description=wMailServer, port \(port)
                    [Socket]
                    BindIPv6Only=ipv6-only
                    FreeBind=yes
                    Backlog=4096
                    Service=wmailserver.service
                    \(streams)
                    """
            }
        }
        if !others.isEmpty {
            let list = others.sorted().joined(separator: " ")
            files["wmailserver.service.d/50-config.conf"] = "[Service]\nSockets=\(list)\n"
        }
        self.files = files
        masked = Self.usual.filter { ports[$0.key] == nil }
            .map { "wmailserver-\($0.value).socket" }.sorted()
    }

    /// Writes them.
    ///
    /// - Parameters:
    ///   - normal: The generator's first folder.
    ///   - early: Its second, which counts more than /etc.
    /// - Throws: `SystemError` naming the file.
    func write(normal: String, early: String) throws(SystemError) {
        for (path, text) in files.sorted(by: { $0.key < $1.key }) {
            if let slash = path.lastIndex(of: "/") {
                let folder = "\(normal)/\(path[..<slash])"
                do throws(SystemError) {
                    try check("mkdir", on: folder) { mkdir(folder, 0o755) }
                } catch  where error.code == EEXIST {}
            }
            let file = try File(
                path: "\(normal)/\(path)", flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            try file.write(Array(text.utf8))
        }
        for unit in masked {
            let path = "\(early)/\(unit)"
            try check("symlink", on: path) { symlink("/dev/null", path) }
        }
    }
}
