// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc

/// `wmail status`.
struct StatusCommand: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows the processes, what they do, and what waits.",
        discussion: """
            The numbers count since the server was started, whatever worker was replaced since; rates are those of one \
            second. Ends with 2 when the server does not run.
            """)

    @OptionGroup var common: CommonOptions

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        let earlier = try StatusReport(places).reading
        if earlier != nil { usleep(1_000_000) }
        let report = try StatusReport(places, after: earlier)
        return Answer(json: report.json, status: report.master == nil ? .no : .good) { palette in
            report.text(palette)
        }
    }
}

/// `wmail metrics`.
struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Writes everything that is counted in Prometheus' text format.",
        discussion: """
            With --textfile it replaces a file for the textfile collector of node_exporter; the timer \
            wmailserver-metrics.timer does so every 15 seconds.
            """)

    @OptionGroup var common: CommonOptions
    @Option(
        help: ArgumentHelp("The file to replace.", valueName: "path"),
        completion: .file(extensions: ["prom"]))
    var textfile: String?

    func run() throws {
        do throws(Failure) {
            let report = try StatusReport(try common.places)
            guard let textfile else {
                return Output.write(
                    common.json ? "\(report.json.pretty)\n" : MetricsText(report).text)
            }
            try Self.replace(textfile, with: Array(MetricsText(report).text.utf8))
        } catch {
            Output.finish(error, asJSON: common.json)
        }
    }

    /// Nobody reads half a file: the collector looks at names that end with `.prom`.
    private static func replace(_ path: String, with bytes: [UInt8]) throws(Failure) {
        try translating { () throws(SystemError) in
            let draft = "\(path).\(getpid())"
            let file = try File(path: draft, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
            try file.setMode(0o644)
            try file.write(bytes)
            try check("rename", on: path) { rename(draft, path) }
        }
    }
}

/// `wmail top`.
struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Shows wmail status on the whole terminal, anew every second; q quits.")

    @OptionGroup var common: CommonOptions

    func run() throws {
        do throws(Failure) {
            guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
                throw Failure(
                    "wmail top needs a terminal", cure: "use wmail status, or wmail metrics")
            }
            let places = try common.places
            var report = try StatusReport(places)
            let terminal = TerminalMode()
            defer { terminal.restore() }
            repeat {
                Output.write(Self.frame(report))
                report = try StatusReport(places, after: report.reading)
            } while !terminal.isQuitPressed(within: 1000)
        } catch {
            Output.finish(error, asJSON: false)
        }
    }

    /// The report from the upper left corner, as much as there are lines.
    private static func frame(_ report: StatusReport) -> String {
        var size = winsize()
        _ = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
        let lines = report.text(.of(STDOUT_FILENO)).split(
            separator: "\n", omittingEmptySubsequences: false)
        let shown = lines.prefix(max(4, Int(size.ws_row) - 1))
        return "\u{1B}[H" + shown.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }
}

/// The terminal without echo and lines, on its second screen, until it is given back.
struct TerminalMode {
    private let before: termios

    init() {
        var mode = termios()
        _ = tcgetattr(STDIN_FILENO, &mode)
        before = mode
        mode.c_lflag &= ~UInt32(ICANON | ECHO)
        _ = tcsetattr(STDIN_FILENO, TCSANOW, &mode)
        Output.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Gives the terminal back as it was.
    func restore() {
        var mode = before
        _ = tcsetattr(STDIN_FILENO, TCSANOW, &mode)
        Output.write("\u{1B}[?25h\u{1B}[?1049l")
    }

    /// Waits for a key; q, Ctrl-D and the end of the input quit.
    func isQuitPressed(within milliseconds: Int32) -> Bool {
        var watched = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, milliseconds) > 0 else { return false }
        var key: UInt8 = 0
        return read(STDIN_FILENO, &key, 1) != 1 || key == UInt8(ascii: "q") || key == 4
    }
}
