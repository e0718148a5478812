// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A system call that failed: which, on what, and why.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The value of `errno` right after the call.
    package let code: Int32
    /// The call's name, as strace would show it.
    package let call: String
    /// The file, address or process that it was about; empty when there is none.
    package let subject: String

    /// Records a failure; by default the one that `errno` tells of.
    package init(_ call: String, on subject: String = "", code: Int32 = errno) {
        self.code = code
        self.call = call
        self.subject = subject
    }

    /// The reason in the C library's words, such as "No space left on device".
    package var reason: String {
        wm_error_text(code).map { String(cString: $0) } ?? "error \(code)"
    }

    /// Whether what it was about is no more; ESTALE is what network file systems say when another host has removed it.
    package var isGone: Bool { code == ENOENT || code == ESTALE }

    package var description: String {
        subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
    }
}

/// Calls again while the call is interrupted by a signal; the one place where EINTR is known.
///
/// - Parameters:
///   - name: The call's name for the error.
///   - subject: What it is about, for the error.
///   - body: The call; -1 means failure, as in C.
/// - Returns: What the call returned.
/// - Throws: `SystemError` when it returned -1 for another reason than EINTR.
@discardableResult
package func check<Result: FixedWidthInteger>(
    _ name: String, on subject: @autoclosure () -> String = "", _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = errno
        if code != EINTR { throw SystemError(name, on: subject(), code: code) }
    }
}
