// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc

/// From the command line to the exit code.
enum Program {
    /// Understands the words, carries the command out, and ends the process.
    @MainActor static func run() -> Never {
        // `wmail list | head` ends quietly, like any filter.
        signal(SIGPIPE, SIG_DFL)
        umask(0o077)
        do {
            let words = LeadingOptions.movedBack(Array(CommandLine.arguments.dropFirst()))
            var command = try Wmail.parseAsRoot(words)
            if let waiting = command as? any WaitingCommand { waiting.begin() }
            try command.run()
            exit(ExitStatus.good.rawValue)
        } catch let failure as Failure {
            Output.complain(failure)
            exit(failure.status.rawValue)
        } catch {
            // Help, the version, a completion script, or words that cannot be understood (64, EX_USAGE).
            Wmail.exit(withError: error)
        }
    }
}

/// How a command ends, for scripts.
///
/// 64 (EX_USAGE) besides, when the command line cannot be understood.
enum ExitStatus: Int32 {
    /// Done; of a check: everything is in order.
    case good = 0
    /// It could not be done, and nothing was changed; of a check: only warnings.
    case failed = 1
    /// The answer is no: something is wrong, refused or would be unsafe.
    case no = 2
}
