// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// An open regular file.
package struct File: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    /// For error messages.
    package let path: String

    /// Wraps an open descriptor.
    package init(_ descriptor: consuming FileDescriptor, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Opens a file, always close-on-exec and never following a symbolic link in the last component.
    ///
    /// - Parameters:
    ///   - path: Relative to `folder`, or to the current folder.
    ///   - folder: An open folder.
    ///   - flags: As of open(2), `O_CLOEXEC | O_NOFOLLOW` added.
    ///   - mode: Permissions of a file that is created.
    /// - Throws: `SystemError` of openat(2).
    package init(
        _ path: String, in folder: borrowing Folder, flags: Int32 = O_RDONLY, mode: UInt32 = 0o600
    ) throws(SystemError) {
        let number = folder.number
        let opened = try check("openat", on: "\(folder.path)/\(path)") {
            openat(number, path, flags | O_CLOEXEC | O_NOFOLLOW, mode)
        }
        self.init(FileDescriptor(owning: opened), path: "\(folder.path)/\(path)")
    }

    /// Opens a file by path; symbolic links are followed, as an operator expects of a configured path.
    ///
    /// - Throws: `SystemError` of open(2).
    package init(path: String, flags: Int32 = O_RDONLY, mode: UInt32 = 0o600) throws(SystemError) {
        let opened = try check("open", on: path) { open(path, flags | O_CLOEXEC, mode) }
        self.init(FileDescriptor(owning: opened), path: path)
    }

    package var number: Int32 { descriptor.number }

    /// Writes all bytes at the current position.
    ///
    /// - Throws: `SystemError` of write(2), such as ENOSPC; a part may have been written.
    package func write(_ bytes: borrowing Span<UInt8>) throws(SystemError) {
        var written = 0
        let total = bytes.count
        while written < total {
            let number = number
            let offset = written
            written += try bytes.withUnsafeBytes { buffer throws(SystemError) in
                try check("write", on: path) {
                    Glibc.write(number, buffer.baseAddress?.advanced(by: offset), total - offset)
                }
            }
        }
    }

    /// Writes all of the array's bytes; see ``write(_:)-(Span<UInt8>)``.
    package func write(_ bytes: [UInt8]) throws(SystemError) {
        try write(bytes.span)
    }

    /// Reads from an offset without moving the position; empty at the end of the file.
    ///
    /// - Throws: `SystemError` of pread(2).
    package func read(atMost count: Int, at offset: Int) throws(SystemError) -> [UInt8] {
        let number = number
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(SystemError) {
                filled = try check("pread", on: path) {
                    pread(number, buffer.baseAddress, count, offset)
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// The whole file, refused with EFBIG when it is larger than `limit` octets.
    ///
    /// - Throws: `SystemError` of fstat(2), pread(2), or EFBIG.
    package func readAll(limit: Int = 64 << 20) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let part = try read(atMost: 65_536, at: bytes.count)
            if part.isEmpty { return bytes }
            bytes += part
            if bytes.count > limit { throw SystemError("read", on: path, code: EFBIG) }
        }
    }

    /// What fstat(2) says.
    package func status() throws(SystemError) -> FileStatus {
        var result = stat()
        let number = number
        try check("fstat", on: path) { fstat(number, &result) }
        return FileStatus(result)
    }

    /// Makes the contents, and on the tested file systems its names, durable; see docs/queue.md.
    package func synchronize() throws(SystemError) {
        let number = number
        try check("fsync", on: path) { fsync(number) }
    }

    /// Empties the file.
    package func truncate() throws(SystemError) {
        let number = number
        try check("ftruncate", on: path) { ftruncate(number, 0) }
    }

    /// Begins to write the contents to the disk, without waiting and without making anything durable.
    package func beginWriting() {
        // A hint: where it fails, the flush that follows does all of the work.
        _ = wm_begin_writing(number)
    }

    /// Changes the permission bits.
    package func setMode(_ mode: UInt32) throws(SystemError) {
        let number = number
        try check("fchmod", on: path) { fchmod(number, mode) }
    }

    /// Gives the file the owner, group and permission bits of another; the owner only where this user may.
    package func adopt(_ status: FileStatus) throws(SystemError) {
        let number = number
        if geteuid() == 0 {
            try check("fchown", on: path) { fchown(number, status.owner, status.group) }
        }
        try check("fchmod", on: path) { fchmod(number, status.permissions) }
    }

    /// The CRC-32C of the contents.
    ///
    /// - Throws: `SystemError` of pread(2).
    package func checksum() throws(SystemError) -> UInt32 {
        var checksum: UInt32 = 0
        var offset = 0
        while true {
            let part = try read(atMost: 128 << 10, at: offset)
            if part.isEmpty { return checksum }
            checksum = wm_crc32c(checksum, part, part.count)
            offset += part.count
        }
    }
}
