// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail

/// What cron, apt, mutt and others of this host call to send mail.
///
/// It needs no privilege and has none: it hands the
/// message to the server at port 25 of this machine, as anybody could.
@main
enum Sendmail {
    /// Exit codes of sysexits(3), which callers look at.
    private enum Code {
        static let usage: Int32 = 64
        static let noUser: Int32 = 67
        static let temporary: Int32 = 75
    }

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do throws(Invocation.Mistake) {
            let invocation = try Invocation(CommandLine.arguments)
            switch invocation.mode {
            case .aliases: exit(0)
            case .queue: showQueue()
            case .session: relay()
            case .send: try send(invocation)
            }
        } catch {
            complain(error.description)
            exit(Code.usage)
        }
    }

    private static func send(_ invocation: Invocation) throws(Invocation.Mistake) {
        let caller = caller()
        let submission = try Submission(standardInput(), invocation, caller)
        do throws(Line.Trouble) {
            let outcomes = try Line(port: port).deliver(submission, from: caller.mailName)
            var code: Int32 = 0
            for (recipient, outcome) in zip(submission.recipients, outcomes)
            where outcome.result != .accepted {
                complain("\(recipient): \(outcome.text)")
                code = outcome.result == .temporary ? Code.temporary : Code.noUser
            }
            exit(code)
        } catch {
            complain(error.description)
            exit(Code.temporary)
        }
    }

    private static func relay() {
        do throws(Line.Trouble) {
            try Line(port: port).relay()
            exit(0)
        } catch {
            complain(error.description)
            exit(Code.temporary)
        }
    }

    /// Only who may read the queue sees it: that is `wmail`'s business.
    private static func showQueue() -> Never {
        let words = ["wmail", "queue", "list"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { word in strdup(word) }
        arguments.append(nil)
        execv("/usr/bin/wmail", &arguments)
        complain("/usr/bin/wmail: \(String(cString: strerror(errno)))")
        exit(Code.temporary)
    }

    /// 25; another one for tests, which decides nothing that the caller could not do by himself.
    private static var port: UInt16 {
        getenv("WMAIL_SENDMAIL_PORT").flatMap { UInt16(String(cString: $0)) } ?? 25
    }

    private static func caller() -> Submission.Caller {
        let number = getuid()
        let name = getpwuid(number).map { String(cString: $0.pointee.pw_name) }
        var now = time_t(time(nil))
        var parts = tm()
        localtime_r(&now, &parts)
        return Submission.Caller(
            user: name ?? "uid\(number)", number: number, mailName: mailName(),
            date: MailDate(seconds: Int(now), offset: Int(parts.tm_gmtoff) / 60))
    }

    /// The first line of /etc/mailname (Debian policy §11.6), else the host's name.
    private static func mailName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        if let file = fopen("/etc/mailname", "r") {
            defer { fclose(file) }
            if fgets(&buffer, Int32(buffer.count), file) != nil {
                let line = text(buffer).prefix { !$0.isWhitespace }
                if !line.isEmpty { return String(line) }
            }
        }
        gethostname(&buffer, buffer.count - 1)
        return text(buffer)
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func standardInput() -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(0, &buffer, buffer.count)
            if count > 0 { all += buffer[..<count] }
            if count == 0 { return all }
            if count < 0, errno != EINTR {
                complain("standard input: \(String(cString: strerror(errno)))")
                exit(Code.temporary)
            }
        }
    }

    private static func complain(_ text: String) {
        let line = "sendmail: \(text)\n"
        _ = write(2, line, line.utf8.count)
    }
}
