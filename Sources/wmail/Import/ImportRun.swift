// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// One mailbox of an import, from its source to the verdict.
struct ImportRun: Sendable {
    let account: AccountName
    let tally: MailboxWriter.Tally

    /// Imports everything that a source has.
    ///
    /// - Throws: ``Failure``; what was imported until then stays, and the next run goes on behind it.
    init(
        _ source: inout some MessageSource & ~Copyable, to account: AccountName, in places: Places,
        showing progress: Progress
    ) throws(Failure) {
        guard let maildir = Maildir(account) else {
            throw Failure("\(account) cannot be a mailbox: no folder can have this name")
        }
        let writer: MailboxWriter
        do throws(SystemError) {
            writer = try MailboxWriter(maildir, in: places)
        } catch {
            if error.code == EBUSY {
                throw Failure(
                    "another import is at work on the mailbox of \(account)",
                    cure: "wait until it has ended")
            }
            throw Failure(error)
        }
        progress.begin("\(account)", of: source.count)
        do throws(Failure) {
            while let found = try source.next() {
                switch found {
                case .message(let message):
                    try translating { () throws(SystemError) in try writer.put(message) }
                case .unusable(let name, let reason): writer.pass(name, reason)
                }
                progress.advance()
            }
            try translating { () throws(SystemError) in try writer.settle() }
        } catch {
            progress.end()
            throw Failure(
                error.cause,
                cure: "\(error.cure.isEmpty ? "mend it" : error.cure)\n"
                    + "the same command goes on where this one stopped",
                status: error.status)
        }
        progress.end()
        self.account = account
        tally = writer.tally
        if let count = source.count, count != tally.total {
            throw Failure(
                "\(account): the source had \(count) messages, and \(tally.total) were looked at",
                cure: "run the same command again while nothing changes the source")
        }
    }

    var json: JSON {
        [
            "account": .string(account.description), "imported": .integer(tally.imported),
            "present": .integer(tally.present), "octets": .integer(tally.octets),
            "uniqueIDsChanged": .strings(tally.changed), "unusable": .strings(tally.unusable),
        ]
    }

    /// For people: a line, and one for each message that needs a look.
    func text(_ palette: Palette) -> String {
        var lines = [
            "\(account): \(tally.imported) imported (\(sizeText(tally.octets)) octets, read back and compared), "
                + "\(tally.present) were there already"
        ]
        lines += tally.changed.map {
            "  \(palette.doubtful("unique id changed:")) \(Output.printable($0))"
        }
        lines += tally.unusable.map { "  \(palette.bad("left out:")) \(Output.printable($0))" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The answer of an import of several mailboxes; what was left out makes it a no.
    static func answer(_ runs: [ImportRun], notes: [String] = []) -> Answer {
        let isWhole = runs.allSatisfy { $0.tally.unusable.isEmpty }
        return Answer(
            json: ["mailboxes": .array(runs.map(\.json)), "notes": .strings(notes)],
            status: isWhole ? .good : .no
        ) { palette in
            runs.map { $0.text(palette) }.joined()
                + notes.map { "\(palette.doubtful("note:")) \(Output.printable($0))\n" }.joined()
        }
    }
}

/// A bar on the terminal; nothing at all elsewhere.
final class Progress {
    private let isShown = isatty(STDERR_FILENO) == 1
    private var name = ""
    private var total: Int?
    private var done = 0
    private var shownAt = Deadline.now

    /// Begins with nothing done.
    func begin(_ name: String, of total: Int?) {
        (self.name, self.total, done) = (name, total, 0)
        show()
    }

    /// One more is done.
    func advance() {
        done += 1
        guard isShown, Deadline.now.seconds(since: shownAt) > 0.1 else { return }
        show()
    }

    /// Takes the bar away.
    func end() {
        if isShown { Output.write("\r\u{1B}[K", to: STDERR_FILENO) }
    }

    private func show() {
        guard isShown else { return }
        shownAt = .now
        Output.write("\r\u{1B}[K\(Self.line(name, done, of: total))", to: STDERR_FILENO)
    }

    /// Such as `alice [######              ] 1200 of 4000`.
    static func line(_ name: String, _ done: Int, of total: Int?) -> String {
        guard let total, total > 0 else { return "\(name): \(done)" }
        let filled = min(20, done * 20 / total)
        let bar = String(repeating: "#", count: filled) + String(repeating: " ", count: 20 - filled)
        return "\(name) [\(bar)] \(done) of \(total)"
    }
}
