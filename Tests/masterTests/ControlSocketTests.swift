// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import Glibc
import Testing

@testable import master

struct ControlSocketTests {
    @Test func reportsAreReadOneByOne() throws {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        try check("socketpair") { socketpair(AF_UNIX, kind, 0, &ends) }
        let control = ControlSocket(FileDescriptor(owning: ends[0]))
        let worker = FileDescriptor(owning: ends[1])
        #expect(control.next() == nil)
        for word in ["ready", "alive", "Ready", ""] {
            _ = send(worker.number, word, word.utf8.count, 0)
        }
        #expect(control.next() == .ready)
        #expect(control.next() == .alive)
        #expect(control.next() == .unknown("Ready"))

        let passed = try FileDescriptor.sealedMemory([7], name: "passed")
        try control.order("client smtpd 12", passing: passed.number)
        var buffer = [UInt8](repeating: 0, count: 64)
        var received: Int32 = -1
        let count = wm_receive_descriptor(worker.number, &buffer, buffer.count, &received)
        #expect(String(decoding: buffer[..<max(0, count)], as: UTF8.self) == "client smtpd 12")
        let file = File(FileDescriptor(owning: received), path: "passed")
        #expect(try file.readAll() == [7])
    }

    @Test func endOfTheWorkerIsSeen() throws {
        let pair = try FileDescriptor.socketPair()
        let control = ControlSocket(pair.takeOne())
        #expect(control.next() == .end)
        #expect(throws: SystemError.self) { try control.order("retire") }
    }
}
