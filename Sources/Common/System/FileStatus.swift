// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// What stat(2) says of a file.
package struct FileStatus: Equatable, Sendable {
    /// Octets.
    package let size: Int
    /// Permission bits, without the type.
    package let permissions: UInt32
    package let isRegularFile: Bool
    package let isFolder: Bool
    package let isSymbolicLink: Bool
    package let links: Int
    package let owner: UInt32
    package let group: UInt32
    package let device: UInt64
    package let inode: UInt64
    /// Whole seconds since 1970-01-01 UTC.
    package let modified: Int

    init(_ status: stat) {
        size = Int(status.st_size)
        permissions = status.st_mode & 0o7777
        let type = status.st_mode & S_IFMT
        isRegularFile = type == S_IFREG
        isFolder = type == S_IFDIR
        isSymbolicLink = type == S_IFLNK
        links = Int(status.st_nlink)
        owner = status.st_uid
        group = status.st_gid
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        modified = status.st_mtim.tv_sec
    }

    /// Whether both are of one file, whatever names it has.
    func isSameFile(as other: FileStatus) -> Bool {
        inode == other.inode && device == other.device
    }
}
