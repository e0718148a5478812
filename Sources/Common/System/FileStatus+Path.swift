// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

extension FileStatus {
    /// What stat(2) says of what a path leads to, symbolic links followed.
    ///
    /// - Throws: `SystemError`.
    package init(of path: String) throws(SystemError) {
        var status = stat()
        try check("stat", on: path) { stat(path, &status) }
        self.init(status)
    }
}
