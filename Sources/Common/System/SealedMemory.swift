// SPDX-License-Identifier: Apache-2.0
import CLinux

extension FileDescriptor {
    /// A memory file with these bytes that nobody can change any more, to hand to another process.
    ///
    /// - Parameters:
    ///   - bytes: The contents.
    ///   - name: Shown in /proc/PID/fd.
    /// - Returns: Closed on exec; its position is at the end.
    /// - Throws: `SystemError` of memfd_create(2) or write(2).
    package static func sealedMemory(
        _ bytes: [UInt8], name: String
    ) throws(SystemError) -> FileDescriptor {
        let number = try check("memfd_create", on: name) {
            wm_sealed_memory(name, bytes, bytes.count)
        }
        return FileDescriptor(owning: number)
    }

    /// An empty memory file that this process and those that inherit it write to; closed on exec.
    ///
    /// - Throws: `SystemError` of memfd_create(2).
    package static func memory(name: String) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try check("memfd_create", on: name) { wm_memory(name) })
    }

    /// Two connected sockets whose datagrams keep their bounds and order.
    ///
    /// - Throws: `SystemError` of socketpair(2).
    package static func socketPair() throws(SystemError) -> FileDescriptorPair {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        try check("socketpair") { socketpair(AF_UNIX, kind, 0, &ends) }
        return FileDescriptorPair(
            one: FileDescriptor(owning: ends[0]), other: FileDescriptor(owning: ends[1]))
    }
}

/// Two descriptors that belong together.
package struct FileDescriptorPair: ~Copyable {
    package let one: FileDescriptor
    package let other: FileDescriptor

    /// Closes the other one.
    package consuming func takeOne() -> FileDescriptor { one }
}
