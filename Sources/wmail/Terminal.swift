// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Questions to a person.
enum Terminal {
    /// Whether somebody is there to ask.
    static var isThere: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// Asks until the answer makes sense; an empty one means the suggestion.
    ///
    /// - Throws: ``Failure`` at the end of the input.
    static func ask<Value>(
        _ question: String, suggesting suggestion: String,
        _ understand: (String) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        while true {
            Output.write("\(question) [\(suggestion)]: ", to: STDERR_FILENO)
            guard let line = readLine() else {
                Output.write("\n", to: STDERR_FILENO)
                throw .unanswered
            }
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            do throws(Failure) {
                return try understand(words.isEmpty ? suggestion : words.joined(separator: " "))
            } catch {
                Output.complain(error)
            }
        }
    }

    /// Asks for a line that is not shown while it is typed.
    ///
    /// Ctrl-C ends the command, but not before the terminal has its echo back.
    ///
    /// - Throws: ``Failure`` at the end of the input.
    static func hiddenLine(_ question: String) throws(Failure) -> String {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else {
            throw Failure(SystemError("tcgetattr"))
        }
        var before = settings
        settings.c_lflag &= ~tcflag_t(ECHO)
        let line = try Interruption.heldBack { interruption throws(Failure) in
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
            Output.write(question, to: STDERR_FILENO)
            let line = lineOfTerminal(until: interruption)
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
            Output.write("\n", to: STDERR_FILENO)
            return line
        }
        guard let line else { throw .unanswered }
        return line
    }

    /// A line without its end; nil at the end of the input, or when a signal came.
    ///
    /// A terminal gives a line with each call, so nothing is left over for the next one.
    private static func lineOfTerminal(until interruption: borrowing SignalQueue) -> String? {
        var bytes: [UInt8] = []
        while bytes.last != 0x0A {
            var waiting = [
                pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
                pollfd(fd: interruption.number, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&waiting, 2, -1) >= 0 || errno == EINTR else { return nil }
            if waiting[1].revents != 0 { return nil }
            guard waiting[0].revents != 0 else { continue }
            var part = [UInt8](repeating: 0, count: 4096)
            let count = read(STDIN_FILENO, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            bytes += part[..<count]
        }
        return String(decoding: bytes.dropLast(), as: UTF8.self)
    }
}

/// What a person or the system ends a command with: SIGINT, SIGTERM, SIGHUP.
enum Interruption {
    /// Runs a part that must not end in the middle; a signal that came meanwhile counts when it is done.
    ///
    /// - Throws: ``Failure``, its own or that of the part.
    static func heldBack<Value>(
        _ body: (borrowing SignalQueue) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &before)
        let signals = try translating { () throws(SystemError) in
            try SignalQueue([SIGINT, SIGTERM, SIGHUP])
        }
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        return try body(signals)
    }
}

extension Failure {
    /// Nobody answered.
    static let unanswered = Failure(
        "the input ended before the question was answered", cure: "nothing was changed")
}
