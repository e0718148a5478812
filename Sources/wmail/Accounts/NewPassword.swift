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

    @Flag(help: "Make a password by chance and show it, as an empty answer to the question does.")
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
        while true {
            let first = try Terminal.hiddenLine("Password for \(user) [made by chance]: ")
            if first.isEmpty { return .generated() }
            do throws(Failure) {
                let new = try NewPassword(first)
                if try Terminal.hiddenLine("The same again: ") == first { return new }
                Output.complain(Failure("the two are not the same"))
            } catch {
                if error == .unanswered { throw error }
                Output.complain(error)
            }
        }
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
    init(_ typed: String) throws(Failure) {
        let text = try Self.prepared(typed, as: "a password")
        guard text.count >= Self.leastLength else {
            throw Failure(
                "a password has at least \(Self.leastLength) characters",
                cure: "choose a longer one, or let --generate make it")
        }
        self.text = text
        isGenerated = false
    }

    /// The text as logins are compared with it (RFC 4013).
    ///
    /// - Throws: ``Failure`` when no login could be that.
    static func prepared(_ text: String, as thing: String) throws(Failure) -> String {
        do throws(SASLprepError) {
            return try SASLprep.prepare(text, for: .stored)
        } catch {
            switch error {
            // An empty one is too short, and told to be.
            case .empty: return ""
            case .prohibited:
                throw Failure(
                    "\(thing) cannot have control characters or such for private use",
                    cure: "leave them out, or choose another one")
            case .unassigned:
                throw Failure(
                    "\(thing) cannot have characters that are younger than Unicode 3.2, such as emoji",
                    cure: "leave them out: RFC 4013 gives clients no common spelling of them")
            case .mixedDirections:
                throw Failure(
                    "\(thing) is written either from right to left or from left to right",
                    cure: "do not mix both, and let what goes from right to left begin and end so")
            case .tooLong: throw Failure("\(thing) cannot be so long")
            case .failed(let code): throw Failure("\(thing) cannot be prepared (libidn: \(code))")
            }
        }
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
