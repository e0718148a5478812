// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// An open folder; files are named relative to it, so no later rename of a parent can mislead.
package struct Folder: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    /// For error messages.
    package let path: String

    /// Opens a folder for use with the `…at` calls and, with `listable`, for listing.
    ///
    /// - Parameters:
    ///   - path: Symbolic links are followed.
    ///   - listable: Needs read permission; without it search permission is enough (O_PATH).
    /// - Throws: `SystemError` of open(2).
    package init(_ path: String, listable: Bool = false) throws(SystemError) {
        let flags = O_DIRECTORY | O_CLOEXEC | (listable ? O_RDONLY : O_PATH)
        descriptor = FileDescriptor(owning: try check("open", on: path) { open(path, flags) })
        self.path = path
    }

    /// Opens a folder inside another one, never through a symbolic link.
    ///
    /// - Throws: `SystemError` of openat(2).
    package init(
        _ name: String, in parent: borrowing Folder, listable: Bool = false
    ) throws(SystemError) {
        let flags = O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | (listable ? O_RDONLY : O_PATH)
        let number = parent.number
        path = "\(parent.path)/\(name)"
        let opened = try check("openat", on: "\(parent.path)/\(name)") {
            openat(number, name, flags)
        }
        descriptor = FileDescriptor(owning: opened)
    }

    package var number: Int32 { descriptor.number }

    /// The names in the folder, without "." and "..", in no particular order.
    ///
    /// - Throws: `SystemError` of openat(2) or readdir(3).
    package func names() throws(SystemError) -> [String] {
        var result: [String] = []
        try forEachName { name in result.append(name) }
        return result
    }

    /// Calls `body` with each name, without "." and "..".
    ///
    /// - Throws: `SystemError` of openat(2) or readdir(3).
    package func forEachName(_ body: (String) -> Void) throws(SystemError) {
        let number = number
        let opened = try check("openat", on: path) {
            openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard let stream = fdopendir(opened) else {
            let error = SystemError("fdopendir", on: path)
            _ = close(opened)
            throw error
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                let code = errno
                if code != 0 { throw SystemError("readdir", on: path, code: code) }
                return
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { body(name) }
        }
    }

    /// Gives a file of this folder a new name, perhaps in another folder; an existing target is replaced.
    package func rename(
        _ name: String, to newName: String, in target: borrowing Folder
    ) throws(SystemError) {
        let (from, into) = (number, target.number)
        try check("renameat", on: "\(path)/\(name) to \(target.path)/\(newName)") {
            renameat(from, name, into, newName)
        }
    }

    /// Gives a file of this folder a new name, perhaps in another folder; fails with EEXIST when that is taken.
    ///
    /// - Throws: `SystemError` of renameat2(2); EINVAL where the file system has no such call.
    package func renameToNew(
        _ name: String, to newName: String, in target: borrowing Folder
    ) throws(SystemError) {
        let (from, into) = (number, target.number)
        try check("renameat2", on: "\(path)/\(name) to \(target.path)/\(newName)") {
            wm_rename_new(from, name, into, newName)
        }
    }

    /// Gives a file of this folder a further name, perhaps in another folder; fails when that exists.
    package func link(
        _ name: String, to newName: String, in target: borrowing Folder
    ) throws(SystemError) {
        let (from, into) = (number, target.number)
        try check("linkat", on: "\(path)/\(name) to \(target.path)/\(newName)") {
            linkat(from, name, into, newName, 0)
        }
    }

    /// Gives a file the present time, which wakes whoever watches the folder.
    ///
    /// - Throws: `SystemError` of utimensat(2).
    package func touch(_ name: String) throws(SystemError) {
        let number = number
        try check("utimensat", on: "\(path)/\(name)") {
            utimensat(number, name, nil, AT_SYMLINK_NOFOLLOW)
        }
    }

    /// Removes a file's name.
    package func unlink(_ name: String) throws(SystemError) {
        let number = number
        try check("unlinkat", on: "\(path)/\(name)") { unlinkat(number, name, 0) }
    }

    /// Makes a folder; an existing one is no error.
    package func makeFolder(_ name: String, mode: UInt32 = 0o700) throws(SystemError) {
        let number = number
        do throws(SystemError) {
            try check("mkdirat", on: "\(path)/\(name)") { mkdirat(number, name, mode) }
        } catch  where error.code == EEXIST {
            return
        }
    }

    /// What fstatat(2) says of a name, without following a symbolic link.
    package func status(of name: String) throws(SystemError) -> FileStatus {
        var result = stat()
        let number = number
        try check("fstatat", on: "\(path)/\(name)") {
            fstatat(number, name, &result, AT_SYMLINK_NOFOLLOW)
        }
        return FileStatus(result)
    }

    /// Flushes everything on the folder's file system to the disk.
    ///
    /// - Throws: `SystemError` of openat(2) or syncfs(2).
    package func synchronizeFileSystem() throws(SystemError) {
        let number = number
        let opened = try check("openat", on: path) {
            openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        let folder = FileDescriptor(owning: opened)
        try check("syncfs", on: path) { wm_sync_file_system(folder.number) }
    }

    /// Gives a folder inside this one the owner and group of another and its permission bits, where this user may.
    ///
    /// - Throws: `SystemError` of fchownat(2) or fchmodat(2).
    package func adopt(_ status: FileStatus, for name: String) throws(SystemError) {
        let number = number
        if geteuid() == 0 {
            try check("fchownat", on: "\(path)/\(name)") {
                fchownat(number, name, status.owner, status.group, AT_SYMLINK_NOFOLLOW)
            }
        }
        try check("fchmodat", on: "\(path)/\(name)") {
            fchmodat(number, name, status.permissions, 0)
        }
    }

    /// Flushes the folder's entries to the disk.
    package func synchronize() throws(SystemError) {
        let number = number
        let opened = try check("openat", on: path) {
            openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        let folder = FileDescriptor(owning: opened)
        try check("fsync", on: path) { fsync(folder.number) }
    }
}
