// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Calls `body` with the name of each regular file in a folder, as octets.
///
/// - Parameters:
///   - name: Of the folder; one that is not there is empty.
///   - parent: Where it lies.
///   - body: The octets are valid only inside.
/// - Throws: `SystemError` of openat(2) or readdir(3).
nonisolated func forEachFile(
    in name: String, of parent: borrowing Folder,
    _ body: (UnsafeBufferPointer<UInt8>) -> Void
) throws(SystemError) {
    let number = parent.number
    let path = "\(parent.path)/\(name)"
    let opened: Int32
    do throws(SystemError) {
        opened = try check("openat", on: path) {
            openat(number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
    } catch  where error.code == ENOENT {
        return
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
        // File systems that do not tell the type leave it to open(2), which follows no link.
        let type = Int(entry.pointee.d_type)
        guard type == DT_REG || type == DT_UNKNOWN else { continue }
        withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            guard let start = bytes.baseAddress else { return }
            let octets = UnsafeRawBufferPointer(
                start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
            body(octets.bindMemory(to: UInt8.self))
        }
    }
}

/// A message that is being sent.
nonisolated final class OpenMessage: Sendable {
    private let file: File
    /// Octets on the disk.
    let size: Int

    private init(_ file: consuming File) throws(SystemError) {
        let status = try file.status()
        guard status.isRegularFile else {
            throw SystemError("openat", on: file.path, code: EISDIR)
        }
        self.file = file
        size = status.size
    }

    /// Opens a message; may block.
    ///
    /// The kernel holds the look-up inside the mailbox and follows no symbolic link in any part of the path.
    ///
    /// - Throws: `SystemError` of openat2(2); ENOENT when it is not there any more, ELOOP and ENOTDIR when a link
    ///   is in the way.
    convenience init(_ path: MessagePath, in maildir: borrowing Folder) throws(SystemError) {
        try self.init(File.openBeneath(path.characters, in: maildir, path: path.text))
    }

    /// Opens a message if that needs no disk; nil when it might.
    ///
    /// - Returns: Nil also for whatever the other way of opening will say in words.
    static func openCached(_ path: MessagePath, in maildir: borrowing Folder) -> OpenMessage? {
        guard let file = File.openCached(path.characters, in: maildir, path: path.text) else {
            return nil
        }
        do throws(SystemError) {
            return try OpenMessage(file)
        } catch {
            return nil
        }
    }

    /// The octets at an offset; empty at the end; may block.
    ///
    /// - Throws: `SystemError` of pread(2).
    func read(atMost count: Int, at offset: Int) throws(SystemError) -> [UInt8] {
        try file.read(atMost: count, at: offset)
    }

    /// What of the octets at an offset lies in memory already; nil when the disk is needed.
    func readCached(atMost count: Int, at offset: Int) -> [UInt8]? {
        file.readCached(atMost: count, at: offset)
    }
}
