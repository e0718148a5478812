// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An open file descriptor, closed exactly once: when the value ends.
package struct FileDescriptor: ~Copyable, Sendable {
    /// The number that the kernel knows it by; valid only while this value lives.
    package let number: Int32

    /// Takes over a descriptor that nobody else will close.
    package init(owning number: Int32) {
        self.number = number
    }

    deinit {
        // Linux releases the number even when close reports EINTR or EIO; calling again could hit another's.
        _ = close(number)
    }

    /// Gives the number up without closing it: the caller owns it now.
    package consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    /// A second descriptor for the same open file, closed on exec.
    ///
    /// - Throws: `SystemError` when the process has no descriptor left.
    package func duplicate() throws(SystemError) -> FileDescriptor {
        FileDescriptor(
            owning: try check("fcntl F_DUPFD_CLOEXEC") { fcntl(number, F_DUPFD_CLOEXEC, 3) })
    }
}
