// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// How a process ended.
package enum ProcessEnd: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case killed(signal: Int32)

    /// From a status of waitpid(2).
    package init(waitStatus: Int32) {
        let signal = wm_end_signal(waitStatus)
        self = signal != 0 ? .killed(signal: signal) : .exited(wm_exit_code(waitStatus))
    }

    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .killed(let signal): "signal \(SignalName.of(signal))"
        }
    }
}

/// Starting and reaping processes.
package enum ChildProcess {
    /// Starts a program with no capability, no way to new privileges, and no descriptors but those given.
    ///
    /// It dies when this process dies. Call it from the main thread.
    ///
    /// - Parameters:
    ///   - program: Absolute path.
    ///   - arguments: Without the program's own name.
    ///   - environment: All of it, as `NAME=value`.
    ///   - descriptors: Become 3, 4, … in the new process; they stay open here.
    ///   - identity: Whom it runs as; nil for the user of this process.
    ///   - openFiles: How many files it may open.
    /// - Returns: The process, once the program runs.
    /// - Throws: `SystemError` of the step that failed.
    package static func start(
        _ program: String, arguments: [String] = [], environment: [String] = [],
        descriptors: [Int32] = [], identity: Identity? = nil, openFiles: Int = 1024
    ) throws(SystemError) -> Int32 {
        let argumentVector = StringVector([program] + arguments)
        let environmentVector = StringVector(environment)
        let groups = identity?.groups ?? []
        var step: UnsafePointer<CChar>?
        var code: Int32 = 0
        let child = program.withCString { path in
            descriptors.withUnsafeBufferPointer { descriptors in
                groups.withUnsafeBufferPointer { groups in
                    var what = wm_program(
                        path: path, arguments: argumentVector.pointer,
                        environment: environmentVector.pointer,
                        descriptors: descriptors.baseAddress, descriptor_count: descriptors.count,
                        change_user: identity != nil, user: identity?.user ?? 0,
                        group: identity?.group ?? 0, groups: groups.baseAddress,
                        group_count: groups.count, open_files: UInt64(openFiles))
                    let child = wm_spawn(&what, &step)
                    code = errno
                    return child
                }
            }
        }
        guard child > 0 else {
            let call = step.map { String(cString: $0) } ?? "wm_spawn"
            throw SystemError(call, on: program, code: code)
        }
        return child
    }

    /// The next child that has ended, without waiting; nil when there is none.
    package static func reap() -> (process: Int32, end: ProcessEnd)? {
        var status: Int32 = 0
        let process = waitpid(-1, &status, WNOHANG)
        return process > 0 ? (process, ProcessEnd(waitStatus: status)) : nil
    }

    /// Waits for one child to end.
    ///
    /// - Throws: `SystemError` of waitpid(2).
    package static func wait(for process: Int32) throws(SystemError) -> ProcessEnd {
        var status: Int32 = 0
        try check("waitpid", on: String(process)) { waitpid(process, &status, 0) }
        return ProcessEnd(waitStatus: status)
    }

    /// Sends a signal to a child that has not been reaped yet.
    ///
    /// - Throws: `SystemError` of kill(2).
    package static func signal(_ process: Int32, _ number: Int32) throws(SystemError) {
        try check("kill", on: String(process)) { kill(process, number) }
    }
}

/// Strings as C's NULL-terminated vector, freed with the value.
private struct StringVector: ~Copyable {
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointer = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { pointer[index] = strdup(string) }
        pointer[strings.count] = nil
    }

    deinit {
        for index in 0..<count { free(pointer[index]) }
        pointer.deallocate()
    }
}
