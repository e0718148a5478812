// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Where `wmail trace` reads the log: a file, the standard input, or the journal.
struct LogSource {
    private let path: String?

    /// The service's unit.
    static let unit = "wmailserver.service"

    /// What was asked for; without anything the journal of an installed server.
    init(_ file: String?, isInstalled: Bool, about subject: String) {
        path = file ?? (isInstalled ? "journal" : nil)
        isJournal = file == nil && isInstalled
    }

    private let isJournal: Bool

    /// Gives the lines one after the other.
    ///
    /// - Throws: ``Failure`` when there is no such log.
    func forEachLine(_ body: (Substring) -> Void) throws(Failure) {
        guard let path else { return }
        if isJournal {
            let words = [
                "journalctl", "--unit", Self.unit, "--output", "short-iso", "--no-pager", "--quiet",
            ]
            return try Self.read(words, body)
        }
        try translating { () throws(SystemError) in
            let descriptor =
                path == "-"
                ? FileDescriptor(owning: try check("dup") { dup(STDIN_FILENO) })
                : FileDescriptor(
                    owning: try check("open", on: path) { open(path, O_RDONLY | O_CLOEXEC) })
            try Self.split(descriptor, body)
        }
    }

    /// Reads what a program writes.
    private static func read(_ words: [String], _ body: (Substring) -> Void) throws(Failure) {
        let (descriptor, process) = try translating { () throws(SystemError) in try spawn(words) }
        let output = FileDescriptor(owning: descriptor)
        try translating { () throws(SystemError) in try split(output, body) }
        var status: Int32 = 0
        _ = waitpid(process, &status, 0)
        guard status == 0 else {
            throw Failure(
                "\(words[0]) could not read the journal",
                cure:
                    "run it as root or as a member of systemd-journal, or give the log with --log FILE"
            )
        }
    }

    private static func spawn(_ words: [String]) throws(SystemError) -> (Int32, pid_t) {
        var ends: [Int32] = [-1, -1]
        try check("pipe") { pipe(&ends) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var process: pid_t = 0
        var environment = [strdup("PATH=/usr/bin:/bin"), nil]
        defer { environment.forEach { free($0) } }
        let code = posix_spawnp(&process, words[0], &actions, nil, &arguments, &environment)
        _ = close(ends[1])
        guard code == 0 else {
            _ = close(ends[0])
            throw SystemError("posix_spawn", on: words[0], code: code)
        }
        return (ends[0], process)
    }

    private static func split(
        _ descriptor: borrowing FileDescriptor, _ body: (Substring) -> Void
    ) throws(SystemError) {
        let number = descriptor.number
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try check("read", on: "the log") {
                Glibc.read(number, &buffer, buffer.count)
            }
            if count == 0 { break }
            rest += buffer[..<count]
            var start = 0
            while let end = rest[start...].firstIndex(of: 0x0A) {
                body(String(decoding: rest[start..<end], as: UTF8.self)[...])
                start = end + 1
            }
            rest.removeFirst(start)
        }
        if !rest.isEmpty { body(String(decoding: rest, as: UTF8.self)[...]) }
    }
}
