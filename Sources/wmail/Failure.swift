// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Why a command could not be carried out, and what the operator does about it.
struct Failure: Error, Equatable {
    /// The cause, in one line.
    let cause: String
    /// The record, command or change that mends it; empty when the cause says it.
    let cure: String
    let status: ExitStatus

    init(_ cause: String, cure: String = "", status: ExitStatus = .failed) {
        self.cause = cause
        self.cure = cure
        self.status = status
    }

    /// A system call that failed, with what usually helps.
    init(_ error: SystemError) {
        self.init(error.description, cure: error.cure)
    }

    /// A configuration that cannot be used.
    init(_ error: ConfigurationError) {
        // Of a file as a whole the problem itself says what to do.
        let isMistake = error.problems.contains { $0.line > 0 }
        self.init(
            error.description,
            cure: isMistake ? "correct it; wmail check shows whether it is good then" : "")
    }

    /// For `--json`.
    var json: JSON { ["error": .string(cause), "cure": .string(cure)] }
}

/// Runs a part that throws errors of one kind, and gives them the operator's words.
func translating<Value: ~Copyable>(
    _ body: () throws(SystemError) -> Value
) throws(Failure) -> Value {
    do throws(SystemError) {
        return try body()
    } catch {
        throw Failure(error)
    }
}

extension SystemError {
    /// Whether there is nothing of that name.
    var isMissing: Bool { code == ENOENT }

    /// What usually helps; empty when the cause says it.
    var cure: String {
        switch code {
        case EACCES, EPERM: "run it as root, or as the owner of the instance"
        case ENOSPC: "the disk is full: df -h and df -i show where; make room and run it again"
        case EDQUOT: "the quota is used up: make room and run it again"
        case EROFS: "the disk is read-only: mount says why; mend it and run it again"
        default: ""
        }
    }
}
