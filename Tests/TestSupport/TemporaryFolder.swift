// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A folder that is removed with all that is in it when the value ends.
package final class TemporaryFolder: Sendable {
    package let path: String

    /// Makes one.
    ///
    /// - Parameter parent: Where; elsewhere for another file system.
    package init(in parent: String = "/tmp") {
        var template = Array("\(parent)/wmail-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no folder in \(parent)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        Self.empty(path)
        rmdir(path)
    }

    /// Removes all that is in a folder, never through a symbolic link.
    private static func empty(_ path: String) {
        guard let listing = opendir(path) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            let child = "\(path)/\(name)"
            if unlink(child) == 0 { continue }
            empty(child)
            rmdir(child)
        }
    }
}
