// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// The colours of a terminal, or none.
struct Palette {
    let isColoured: Bool

    /// What a pipe, a file and the tests get.
    static let plain = Palette(isColoured: false)

    /// Colours on a terminal that has them and where nobody asked for none (https://no-color.org).
    static func of(_ descriptor: Int32) -> Palette {
        let kind = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        return Palette(
            isColoured: isatty(descriptor) == 1 && kind != "dumb" && getenv("NO_COLOR") == nil)
    }

    func good(_ text: String) -> String { paint("32", text) }
    func doubtful(_ text: String) -> String { paint("33", text) }
    func bad(_ text: String) -> String { paint("1;31", text) }
    func faint(_ text: String) -> String { paint("2", text) }
    func strong(_ text: String) -> String { paint("1", text) }

    private func paint(_ code: String, _ text: String) -> String {
        isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// Rows with columns as wide as their widest cell; what comes from outside cannot move the cursor.
struct Table {
    private var rows: [[String]]

    init(_ heading: [String]) {
        rows = [heading]
    }

    mutating func add(_ row: [String]) {
        rows.append(row.map(Output.printable))
    }

    /// The lines, each with its end; the heading is faint.
    func text(_ palette: Palette) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.enumerated().map { index, row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let isLast = column == row.count - 1
                line += isLast ? cell : cell.padded(to: widths[column] + 2)
            }
            while line.last == " " { line.removeLast() }
            return (index == 0 ? palette.faint(line) : line) + "\n"
        }.joined()
    }
}

extension String {
    /// With spaces behind it, up to a width.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}

/// What the command writes: answers to the standard output, trouble to the standard error.
enum Output {
    /// Shows an answer and ends the process with its status.
    static func finish(_ answer: Answer, asJSON: Bool) -> Never {
        write(asJSON ? "\(answer.json.pretty)\n" : answer.text(.of(STDOUT_FILENO)))
        exit(answer.status.rawValue)
    }

    /// Says why there is no answer and ends the process; for programs in JSON, too.
    static func finish(_ failure: Failure, asJSON: Bool) -> Never {
        if asJSON { write("\(failure.json.pretty)\n") } else { complain(failure) }
        exit(failure.status.rawValue)
    }

    /// The cause, a line each, and below it the cure.
    static func complain(_ failure: Failure) {
        let palette = Palette.of(STDERR_FILENO)
        var text = ""
        for line in failure.cause.split(separator: "\n") {
            text += "wmail: \(palette.bad(printable(String(line))))\n"
        }
        for line in failure.cure.split(separator: "\n") {
            text += "       \(printable(String(line)))\n"
        }
        write(text, to: STDERR_FILENO)
    }

    /// Writes all of it; a reader that is gone ends the process.
    static func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // A full disk or a closed output: there is nobody to tell but the exit code.
            guard count > 0 else { exit(ExitStatus.failed.rawValue) }
            bytes = bytes.dropFirst(count)
        }
    }

    /// A text from outside with its control characters as `?`, so that a message cannot write on the terminal.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map {
                    $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : $0
                }))
    }
}
