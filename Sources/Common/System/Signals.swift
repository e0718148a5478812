// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Signals read from a descriptor instead of interrupting the program anywhere.
package struct SignalQueue: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// Blocks these signals for the calling thread, and all that it starts later, and queues them instead.
    ///
    /// - Throws: `SystemError` of signalfd(2).
    package init(_ numbers: [Int32]) throws(SystemError) {
        var mask = sigset_t()
        sigemptyset(&mask)
        for number in numbers { sigaddset(&mask, number) }
        pthread_sigmask(SIG_BLOCK, &mask, nil)
        let flags = Int32(SFD_CLOEXEC | SFD_NONBLOCK)
        descriptor = FileDescriptor(owning: try check("signalfd") { signalfd(-1, &mask, flags) })
    }

    /// To wait on: readable when a signal is queued.
    package var number: Int32 { descriptor.number }

    /// The next queued signal; nil when there is none.
    package func next() -> Int32? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        let number = descriptor.number
        while true {
            let count = read(number, &information, size)
            if count == size { return Int32(information.ssi_signo) }
            if count < 0, errno == EINTR { continue }
            return nil
        }
    }
}

/// The names that signals have in kill(1).
package enum SignalName {
    /// Such as "SIGTERM".
    package static func of(_ signal: Int32) -> String {
        guard let text = sigabbrev_np(signal) else { return String(signal) }
        return "SIG\(String(cString: text))"
    }
}
