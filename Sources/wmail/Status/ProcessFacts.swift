// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// What the kernel says of a process: its user, its memory, and whether it is locked in.
struct ProcessFacts: Equatable, Sendable {
    let user: String
    /// Octets that are in memory.
    let resident: Int
    /// Whether a system-call filter holds.
    let hasFilter: Bool
    /// Whether it can gain no privileges by executing a program.
    let hasNoNewPrivileges: Bool
    /// Whether it has any capability.
    let hasCapabilities: Bool

    /// Looks a process up.
    ///
    /// - Returns: Nil when it is gone, or hidden from this user.
    init?(process: Int) {
        do throws(SystemError) {
            let bytes = try File(path: "/proc/\(process)/status").readAll(limit: 1 << 16)
            self.init(String(decoding: bytes, as: UTF8.self))
        } catch {
            return nil
        }
    }

    /// Reads the text of `/proc/PID/status` (proc(5)).
    init?(_ text: String) {
        var fields: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = line[line.index(after: colon)...].drop {
                $0 == "\t" || $0 == " "
            }
        }
        guard let ids = fields["Uid"]?.split(whereSeparator: \.isWhitespace), ids.count > 1,
            let id = UInt32(ids[1])
        else { return nil }
        user = getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? "\(id)"
        let size = fields["VmRSS"]?.split(separator: " ").first.flatMap { Int($0) }
        resident = (size ?? 0) * 1024
        hasFilter = fields["Seccomp"] == "2"
        hasNoNewPrivileges = fields["NoNewPrivs"] == "1"
        hasCapabilities = fields["CapEff"]?.contains { $0 != "0" } ?? false
    }
}
