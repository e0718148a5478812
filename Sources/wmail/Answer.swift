// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc

/// What a command has found or done: one answer, told to people or to programs.
struct Answer {
    private let makeJSON: () -> JSON
    var status = ExitStatus.good
    /// For people: whole lines, each with its end, in the colours of a terminal or without.
    var text: (Palette) -> String

    init(
        json: @autoclosure @escaping () -> JSON, status: ExitStatus = .good,
        text: @escaping (Palette) -> String
    ) {
        makeJSON = json
        self.status = status
        self.text = text
    }

    /// For `--json`; made when it is wanted, as a long queue's takes a while.
    var json: JSON { makeJSON() }
}

/// A command that gives one answer and ends.
protocol AnsweringCommand: ParsableCommand {
    var common: CommonOptions { get }

    /// Does what the command is for.
    ///
    /// - Throws: ``Failure``.
    func answer() throws(Failure) -> Answer
}

extension AnsweringCommand {
    /// Shows the answer, or why there is none, and ends the process.
    func run() throws {
        do throws(Failure) {
            Output.finish(try answer(), asJSON: common.json)
        } catch {
            Output.finish(error, asJSON: common.json)
        }
    }
}

/// A command that waits for the network, and so works on the event loop.
protocol WaitingCommand: ParsableCommand, Sendable {
    var common: CommonOptions { get }

    /// Does what the command is for; runs on the event loop and has to bound its waiting.
    ///
    /// - Throws: ``Failure``.
    @MainActor func answer() async throws(Failure) -> Answer
}

extension WaitingCommand {
    /// Turns the event loop until there is an answer, shows it or why there is none, and ends the process.
    @MainActor func begin() -> Never {
        let command = self
        EventLoop.run {
            do throws(Failure) {
                Output.finish(try await command.answer(), asJSON: command.common.json)
            } catch {
                Output.finish(error, asJSON: command.common.json)
            }
        }
    }
}
