// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A listing of a folder that is read part by part, so that a large one neither blocks nor fills the memory.
package struct FolderListing: ~Copyable, Sendable {
    private let descriptor: FileDescriptor
    private let path: String

    /// Begins a listing.
    ///
    /// - Throws: `SystemError` of openat(2).
    package init(_ folder: borrowing Folder) throws(SystemError) {
        let number = folder.number
        path = folder.path
        let opened = try check("openat", on: folder.path) {
            openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        descriptor = FileDescriptor(owning: opened)
    }

    /// The next few hundred names, without "." and "..", in no particular order; nil at the end.
    ///
    /// - Throws: `SystemError` of getdents64(2).
    package func next() throws(SystemError) -> [String]? {
        let number = descriptor.number
        var buffer = [UInt64](repeating: 0, count: 4096)
        let size = buffer.count * 8
        let filled = try check("getdents64", on: path) { wm_list(number, &buffer, size) }
        guard filled > 0 else { return nil }
        var names: [String] = []
        buffer.withUnsafeBytes { bytes in
            var offset = 0
            while let name = wm_list_next(bytes.baseAddress, Int(filled), &offset) {
                let name = String(cString: name)
                if name != ".", name != ".." { names.append(name) }
            }
        }
        return names
    }
}
