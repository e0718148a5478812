// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// How grave a line is; the numbers are those of syslog(3).
package enum LogLevel: Int, Sendable {
    case error = 3
    case warning = 4
    case notice = 5
    case info = 6
    case debug = 7

    var name: String {
        switch self {
        case .error: "error"
        case .warning: "warning"
        case .notice: "notice"
        case .info: "info"
        case .debug: "debug"
        }
    }
}

/// One logfmt line per event, to standard error: `event=message.queued id=… size=…`.
///
/// Under systemd each line begins with its syslog level (`<6>`), which the journal reads; elsewhere with time,
/// level and program. Values are quoted so that nothing a client sends can end a line or forge a field.
package enum Log {
    /// Writes one line in one write(2).
    ///
    /// - Parameters:
    ///   - level: How grave.
    ///   - event: The event's stable name, such as "message.queued"; docs/operations.md explains it.
    ///   - fields: In the order in which they are to be read; never a password or a message's content.
    package static func write(
        _ level: LogLevel, _ event: String,
        _ fields: KeyValuePairs<String, any CustomStringConvertible> = [:]
    ) {
        var line: [UInt8] = []
        line.reserveCapacity(256)
        line += prefix(level)
        line += "event=".utf8
        line += event.utf8
        for (name, value) in fields {
            line.append(UInt8(ascii: " "))
            line += name.utf8
            line.append(UInt8(ascii: "="))
            append(value.description, to: &line)
        }
        line.append(UInt8(ascii: "\n"))
        // A log that cannot be written to leaves nobody to tell.
        _ = Glibc.write(2, line, line.count)
    }

    /// Whether standard error goes to the journal (systemd.exec(5), JOURNAL_STREAM), set by master for workers.
    private static let toJournal = getenv("JOURNAL_STREAM") != nil

    private static let program: String = {
        let path = CommandLine.arguments.first ?? "wmail"
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return "\(name)[\(getpid())]"
    }()

    private static func prefix(_ level: LogLevel) -> [UInt8] {
        if toJournal { return Array("<\(level.rawValue)>".utf8) }
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        localtime_r(&time.tv_sec, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let length = strftime(&text, text.count, "%H:%M:%S", &parts)
        let milliseconds = String(1000 + time.tv_nsec / 1_000_000).dropFirst()
        var line = text[..<length].map { UInt8(bitPattern: $0) }
        line += ".\(milliseconds) \(level.name) \(program) ".utf8
        return line
    }

    /// A value as logfmt: bare when it is plain, else quoted with escapes.
    static func append(_ value: String, to line: inout [UInt8]) {
        let plain = value.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
                && byte != UInt8(ascii: "\\")
        }
        if plain, !value.isEmpty {
            line += value.utf8
            return
        }
        line.append(UInt8(ascii: "\""))
        for byte in value.utf8.prefix(1000) {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                line.append(UInt8(ascii: "\\"))
                line.append(byte)
            case 0..<0x20, 0x7F:
                line += "\\x".utf8
                let digits = String(byte, radix: 16)
                line += (digits.count == 1 ? "0" + digits : digits).utf8
            default: line.append(byte)
            }
        }
        line.append(UInt8(ascii: "\""))
    }
}
