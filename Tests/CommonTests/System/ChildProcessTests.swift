// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Testing

struct ChildProcessTests {
    /// Runs a shell script and returns what it wrote to its descriptor 3.
    private func output(
        of script: String, extra: [Int32] = [], environment: [String] = ["PATH=/usr/bin:/bin"],
        identity: Identity? = nil, openFiles: Int = 64
    ) throws -> String {
        var ends: [Int32] = [-1, -1]
        try check("pipe2") { pipe(&ends) }
        let reader = File(FileDescriptor(owning: ends[0]), path: "pipe")
        let writer = FileDescriptor(owning: ends[1])
        let child = try ChildProcess.start(
            "/bin/sh", arguments: ["-c", script], environment: environment,
            descriptors: [writer.number] + extra, identity: identity, openFiles: openFiles)
        _ = consume writer
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = try check("read") { read(reader.number, &buffer, buffer.count) }
            if count == 0 { break }
            text += buffer[..<count]
        }
        _ = try ChildProcess.wait(for: child)
        return String(decoding: text, as: UTF8.self)
    }

    private func field(_ name: String, of status: String) -> String? {
        status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            .map { $0.dropFirst(name.count + 1).drop { $0 == "\t" || $0 == " " } }
            .map { String($0).trimmed }
    }

    @Test(arguments: [
        ("exit 0", ProcessEnd.exited(0)), ("exit 78", .exited(78)),
        ("kill -KILL $$", .killed(signal: SIGKILL)), ("kill -TERM $$", .killed(signal: SIGTERM)),
    ])
    func endIsTold(script: String, end: ProcessEnd) throws {
        let child = try ChildProcess.start("/bin/sh", arguments: ["-c", script])
        #expect(try ChildProcess.wait(for: child) == end)
    }

    @Test func endsReadWell() {
        #expect(ProcessEnd.exited(3).description == "exit code 3")
        #expect(ProcessEnd.killed(signal: SIGKILL).description == "signal SIGKILL")
    }

    @Test func missingProgramIsAnError() {
        let expected = SystemError("execve", on: "/nonexistent/smtpd", code: ENOENT)
        #expect(throws: expected) { try ChildProcess.start("/nonexistent/smtpd") }
    }

    @Test func descriptorsArriveInOrder() throws {
        // Sources lie on each other's targets: whichever is placed first must not destroy another.
        var sources: [Int32] = []
        for name in ["a", "b", "c", "d"] {
            sources.append(try FileDescriptor.sealedMemory(Array(name.utf8), name: name).release())
        }
        defer { for number in sources { close(number) } }
        let script = "for n in 4 5 6 7; do cat /proc/self/fd/$n >&3; done; ls /proc/self/fd >&3"
        let text = try output(of: script, extra: sources.reversed())
        // ls has one more for the folder that it lists.
        #expect(text == "dcba0\n1\n2\n3\n4\n5\n6\n7\n8\n")
    }

    @Test func environmentIsAllThatIsGiven() throws {
        #expect(try output(of: "echo $A-$HOME-$LISTEN_FDS >&3", environment: ["A=b"]) == "b--\n")
    }

    @Test func childIsLockedDown() throws {
        let status = try output(of: "cat /proc/self/status >&3; ulimit -c >&3; ulimit -n >&3")
        for set in ["CapInh", "CapAmb"] {
            #expect(field(set, of: status) == "0000000000000000")
        }
        #expect(field("NoNewPrivs", of: status) == "1")
        #expect(field("SigBlk", of: status) == "0000000000000000")
        // But for 32 and 33, which the C library keeps to itself.
        let ignored = field("SigIgn", of: status).flatMap { UInt64($0, radix: 16) }
        #expect(ignored.map { $0 & ~(3 << 31) } == 0)
        #expect(status.hasSuffix("\n0\n64\n"))
    }

    @Test(.enabled(if: Privileges.isRoot, "only root can change users"))
    func rootStartsOthersWithoutAnyRight() throws {
        let identity = Identity(user: 54_321, group: 54_322, groups: [54_323, 54_324])
        let status = try output(of: "cat /proc/self/status >&3", identity: identity)
        #expect(field("Uid", of: status) == "54321\t54321\t54321\t54321")
        #expect(field("Gid", of: status) == "54322\t54322\t54322\t54322")
        #expect(field("Groups", of: status) == "54323 54324")
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            #expect(field(set, of: status) == "0000000000000000")
        }
        #expect(field("NoNewPrivs", of: status) == "1")
    }

    @Test func unknownUsersAreNil() throws {
        #expect(try Privileges.user(named: "no-such-user") == nil)
        #expect(try Privileges.group(named: "no-such-group") == nil)
        #expect(try Privileges.user(named: "root")?.user == 0)
        #expect(try Privileges.group(named: "root") == 0)
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }
}
