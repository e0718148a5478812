// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// What an event loop may do with files itself, since no disk has to be waited for.
extension File {
    /// Opens a file for reading if that needs no disk, never following a symbolic link; nil when it might.
    ///
    /// - Parameters:
    ///   - name: Relative to `folder`, in zero-terminated octets.
    ///   - folder: An open folder.
    ///   - path: For error messages.
    /// - Returns: Nil also where the kernel or the sandbox lacks openat2(2); open(2) tells what is wrong.
    package static func openCached(
        _ name: [CChar], in folder: borrowing Folder, path: String
    ) -> File? {
        let opened = wm_open_beneath(folder.number, name, true)
        return opened >= 0 ? File(FileDescriptor(owning: opened), path: path) : nil
    }

    /// Opens a file for reading below a folder, following no symbolic link in any part of the way; may block.
    ///
    /// - Parameters:
    ///   - name: Relative to `folder`, in zero-terminated octets.
    ///   - folder: An open folder.
    ///   - path: For error messages.
    /// - Returns: The file; whether it is a regular one is not looked at.
    /// - Throws: `SystemError` of openat2(2); ELOOP or ENOTDIR when a link is in the way, EXDEV when it leads out.
    package static func openBeneath(
        _ name: [CChar], in folder: borrowing Folder, path: String
    ) throws(SystemError) -> File {
        let number = folder.number
        // It does not block when somebody has put a pipe there.
        let opened = try check("openat2", on: "\(folder.path)/\(path)") {
            wm_open_beneath(number, name, false)
        }
        return File(FileDescriptor(owning: opened), path: path)
    }

    /// The same without openat2(2), a folder at a time: what ``openBeneath(_:in:path:)`` does where it is refused.
    ///
    /// - Throws: `SystemError` of openat(2), likewise.
    package static func openBySteps(
        _ name: [CChar], in folder: borrowing Folder, path: String
    ) throws(SystemError) -> File {
        let number = folder.number
        let opened = try check("openat", on: "\(folder.path)/\(path)") {
            wm_open_by_steps(number, name)
        }
        return File(FileDescriptor(owning: opened), path: path)
    }

    /// What of the octets at an offset lies in memory already; nil when the disk is needed, or on an error.
    package func readCached(atMost count: Int, at offset: Int) -> [UInt8]? {
        var failed = false
        let number = number
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let got = wm_read_cached(number, buffer.baseAddress, count, off_t(offset))
            failed = got < 0
            filled = max(0, got)
        }
        return failed ? nil : bytes
    }
}
