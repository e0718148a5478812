// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc

/// A `wmail queue` command that changes entries.
protocol QueueChangingCommand: AnsweringCommand {
    static var change: QueueChange { get }
    var options: QueueOptions { get }
    var ids: [String] { get }
    /// Whether every entry is meant.
    var all: Bool { get }
}

extension QueueChangingCommand {
    func validate() throws {
        let isOpen = options.filter(ids: ids).choosesAll && options.place == nil
        if isOpen, !all {
            throw ValidationError(
                "Name entries by their ids, choose them by a filter, or say --all.")
        }
        if all, !isOpen { throw ValidationError("--all leaves nothing to choose.") }
    }

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        let entries = try QueueView(places).entries(
            options.filter(ids: ids, in: Self.change.places))
        guard all || !entries.isEmpty else { throw .noEntry(ids) }
        return try QueueResult(Self.change, places, entries).answer
    }
}

/// What came of a change of many entries.
struct QueueResult {
    let change: QueueChange
    /// The names of their files.
    private(set) var done: [String]
    private(set) var failed: [(QueuedEntry, QueueChangeError)] = []

    /// Carries it out on each; one that fails keeps no other from it.
    ///
    /// - Parameters:
    ///   - change: What is done.
    ///   - places: Of the instance.
    ///   - entries: To which it is done.
    ///   - earlier: The names of entries to which it was done already.
    /// - Throws: ``Failure`` when the queue is not there or this user may not.
    init(
        _ change: QueueChange, _ places: Places, _ entries: [QueuedEntry],
        after earlier: [String] = []
    ) throws(Failure) {
        self.change = change
        done = earlier
        let changer = try translating { () throws(SystemError) in try QueueChanger(places) }
        for entry in entries {
            do throws(QueueChangeError) {
                try changer.carryOut(change, on: entry)
                done.append(entry.name)
            } catch {
                // What was to be tried and is gone has been.
                if change == .retry, error == .gone {
                    done.append(entry.name)
                } else {
                    failed.append((entry, error))
                }
            }
        }
    }

    var answer: Answer {
        let (change, done, failed) = (change, done, failed)
        let json: JSON = [
            "done": .strings(done),
            "failed": .array(
                failed.map {
                    [
                        "name": .string($0.0.name), "reason": .string($0.1.description),
                        "cure": .string($0.1.cure),
                    ]
                }),
        ]
        return Answer(json: json, status: failed.isEmpty ? .good : .failed) { palette in
            let good = done.map { "\(palette.good(change.done)): \(Output.printable($0))\n" }
            let bad = failed.map {
                "\(palette.bad("left")): \(Output.printable($0.0.name)): \($0.1)\n"
            }
            let cures = Set(failed.map(\.1.cure)).subtracting([""]).sorted().map { "\($0)\n" }
            return done.isEmpty && failed.isEmpty
                ? "There is no entry.\n" : (good + bad + cures).joined()
        }
    }
}

/// `wmail queue retry`.
struct QueueRetry: QueueChangingCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Tries entries now, whenever their next attempt was due.")
    static let change = QueueChange.retry

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: QueueOptions
    @Flag(help: "Every entry.") var all = false
    @Argument(help: "The entries' ids.") var ids: [String] = []
}

/// `wmail queue flush`.
struct QueueFlush: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "flush",
        abstract: "Tries everything that waits now, or what the filters choose.",
        discussion: """
            Without filters it takes no time however long the queue is: a touch of the folder tells relayd transmit, which tries \
            what it knows. Where none has run for five seconds, each entry is made due instead.
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: QueueOptions

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        let view = try QueueView(places)
        var filter = options.filter(in: QueueChange.retry.places)
        var done: [String] = []
        if filter.choosesAll, filter.places.remove(.relay) != nil {
            if Self.isNoticed(in: places) {
                done = try view.touchAllForOthers()
            } else {
                filter.places.insert(.relay)
            }
        }
        return try QueueResult(.retry, places, try view.entries(filter), after: done).answer
    }

    /// Seconds after its start in which relayd transmit may not watch the queue yet.
    private static let startTime = 5

    /// Whether a relayd transmit notices at once that the folder was touched.
    ///
    /// Where none runs, each entry is made due, so that the next one to start finds it so.
    private static func isNoticed(in places: Places) -> Bool {
        do throws(SystemError) {
            let earliest = WallClock.seconds - startTime
            return try Scoreboard.read(places.run).rows.contains { row in
                row.service == "transmit" && row.page.facts.started <= earliest
                    && ProcessFacts(process: row.page.facts.process) != nil
            }
        } catch {
            // Who may not look at the scoreboard makes each entry due.
            return false
        }
    }
}

/// `wmail queue hold`.
struct QueueHold: QueueChangingCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Holds entries back until they are released.")
    static let change = QueueChange.hold

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: QueueOptions
    @Flag(help: "Every entry.") var all = false
    @Argument(help: "The entries' ids.") var ids: [String] = []
}

/// `wmail queue release`.
struct QueueRelease: QueueChangingCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Puts held entries back; a message that was edited goes out as it is now.")
    static let change = QueueChange.release

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: QueueOptions
    @Flag(help: "Every entry.") var all = false
    @Argument(help: "The entries' ids.") var ids: [String] = []
}

/// `wmail queue remove`.
struct QueueRemove: QueueChangingCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Deletes entries for good; nobody gets them, and no sender is told.",
        discussion:
            "Entries that filters or --all choose are counted first and need --yes or a yes on the terminal."
    )
    static let change = QueueChange.remove

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: QueueOptions
    @Flag(help: "Do not ask.") var yes = false
    @Flag(help: "Every entry.") var all = false
    @Argument(help: "The entries' ids.") var ids: [String] = []

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        let entries = try QueueView(places).entries(options.filter(ids: ids))
        guard all || !entries.isEmpty else { throw .noEntry(ids) }
        if ids.isEmpty, !entries.isEmpty, !yes { try confirm(entries.count) }
        return try QueueResult(.remove, places, entries).answer
    }

    private func confirm(_ count: Int) throws(Failure) {
        guard isatty(STDIN_FILENO) == 1, !common.json else {
            throw Failure(
                "\(count) entries match, and would be deleted for good",
                cure: "look at them with wmail queue list; then add --yes", status: .no)
        }
        Output.write("\(count) entries match. Delete them for good? [y/N] ", to: STDERR_FILENO)
        guard readLine()?.lowercased().hasPrefix("y") == true else {
            throw Failure("nothing was deleted", status: .no)
        }
    }
}
