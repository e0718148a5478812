// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Whether there is room for mail.
enum DiskCheck {
    static func verdicts(of places: Places) -> [Verdict] {
        var status = statvfs()
        guard statvfs(places.state, &status) == 0 else {
            return [.skipped("disk", places.state, SystemError("statvfs").reason)]
        }
        return [
            verdict(
                places.state, free: Int(status.f_bavail) * Int(status.f_frsize),
                files: status.f_files == 0 ? nil : Int(status.f_favail))
        ]
    }

    /// The judgement.
    ///
    /// - Parameters:
    ///   - path: The file system's folder that mail goes to.
    ///   - free: Octets.
    ///   - files: How many more may be made; nil where the file system sets no limit.
    /// - Returns: A failure where the next messages would be refused.
    static func verdict(_ path: String, free: Int, files: Int?) -> Verdict {
        let megabytes = free >> 20
        let cure =
            "df -h \(path); df -i \(path)   # make room: mail is refused with 452 when there is none"
        if megabytes < 50 || files ?? .max < 1000 {
            return .fail("disk", path, "\(megabytes) MB and \(files ?? 0) files free", cure: cure)
        }
        if megabytes < 1024 || files ?? .max < 20_000 {
            return .warn("disk", path, "only \(megabytes) MB free", cure: cure)
        }
        return .ok("disk", path, "\(megabytes >> 10) GB free")
    }
}
