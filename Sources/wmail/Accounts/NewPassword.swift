// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Directory
import Glibc

/// Where a new password comes from: the terminal, the standard input, or chance.
///
/// Never an argument: everybody on the host can read those of a running command.
struct PasswordOptions: ParsableArguments {
    @Flag(help: "Read the password from the standard input, one line.")
    var passwordStdin = false

    @Flag(help: "Make a password by chance and show it.")
    var generate = false

    /// Reads or makes a password.
    ///
    /// - Throws: ``Failure`` when there is none to be had, or it is too short.
    func password(for user: String) throws(Failure) -> NewPassword {
        if passwordStdin, generate {
            throw Failure("--password-stdin and --generate exclude each other")
        }
        if generate { return .generated() }
        if passwordStdin {
            guard let line = readLine() else {
                throw Failure("the standard input has no password")
            }
            return try NewPassword(line)
        }
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure(
                "there is no terminal to ask for the password of \(user)",
                cure: "give --generate, or --password-stdin with the password on the standard input"
            )
        }
        let first = try Terminal.hiddenLine("Password for \(user): ")
        guard try Terminal.hiddenLine("The same again: ") == first else {
            throw Failure("the two are not the same")
        }
        return try NewPassword(first)
    }
}

/// A password that is going to be somebody's.
struct NewPassword {
    static let leastLength = 8

    private let text: String
    /// Whether nobody knows it yet, so that it has to be shown.
    private let isGenerated: Bool

    /// Takes what a person has chosen.
    ///
    /// - Throws: ``Failure`` when it is too short or cannot be a password.
    init(_ text: String) throws(Failure) {
        guard text.count >= Self.leastLength else {
            throw Failure(
                "a password has at least \(Self.leastLength) characters",
                cure: "choose a longer one, or let --generate make it")
        }
        self.text = text
        isGenerated = false
    }

    private init(generated text: String) {
        self.text = text
        isGenerated = true
    }

    /// 20 characters that cannot be mistaken for each other: 98 bits of chance.
    static func generated() -> Self {
        let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
        // The number of letters is a power of two, so each is as likely as any other.
        let chosen = randomBytes(20).map { letters[Int($0) % letters.count] }
        let parts = stride(from: 0, to: 20, by: 5).map { String(chosen[$0..<$0 + 5]) }
        return Self(generated: parts.joined(separator: "-"))
    }

    /// For the person who gets it; nil when they know it.
    var shown: String? { isGenerated ? text : nil }

    /// As `group.json` keeps it: yescrypt.
    ///
    /// - Throws: ``Failure``.
    func hash() throws(Failure) -> String {
        do throws(SystemError) {
            return try PasswordHash(of: Array(text.utf8)).text
        } catch {
            throw Failure(
                "the password cannot be hashed: \(error.reason)",
                cure: "a password has at most 511 octets, none of them zero")
        }
    }
}

/// Questions to a person.
enum Terminal {
    /// Whether somebody is there to ask.
    static var isThere: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// Asks for a line; an empty one means the suggestion.
    static func line(_ question: String, suggesting suggestion: String) -> String {
        Output.write("\(question) [\(suggestion)]: ", to: STDERR_FILENO)
        let line = readLine() ?? ""
        return line.isEmpty ? suggestion : line
    }

    /// Asks for a line that is not shown while it is typed.
    ///
    /// - Throws: ``Failure`` at the end of the input.
    static func hiddenLine(_ question: String) throws(Failure) -> String {
        Output.write(question, to: STDERR_FILENO)
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else {
            throw Failure(SystemError("tcgetattr"))
        }
        let before = settings
        settings.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        var restored = before
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &restored)
            Output.write("\n", to: STDERR_FILENO)
        }
        guard let line = readLine() else { throw Failure("nothing was typed") }
        return line
    }
}
