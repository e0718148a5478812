// SPDX-License-Identifier: Apache-2.0
import Glibc
import Mail
import Testing

@testable import sendmail

struct InvocationTests {
    /// The manual page without its escapes.
    private static func page() throws -> String {
        let checkout = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = try #require(fopen("\(checkout)/docs/man/sendmail.8", "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
        return String(decoding: bytes, as: UTF8.self).replacing("\\", with: "")
    }

    @Test func theManualNamesEveryOptionAndNoOther() throws {
        let words = try Self.page().split {
            !"-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".contains($0)
        }
        let named = Set(words.filter { $0.hasPrefix("-") }.compactMap { $0.dropFirst().first })
        let known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".filter { letter in
            do throws(Invocation.Mistake) {
                _ = try Invocation(["sendmail", letter == "b" ? "-bm" : "-\(letter)", "value"])
                return true
            } catch {
                return false
            }
        }
        #expect(Set(known) == named)
    }

    @Test(arguments: [
        (["sendmail"], Invocation.Mode.send), (["/usr/lib/sendmail", "-bs"], .session),
        (["sendmail", "-bp"], .queue), (["/usr/bin/mailq"], .queue), (["newaliases"], .aliases),
        (["sendmail", "-bi"], .aliases), (["sendmail", "-bm", "a"], .send),
        (["sendmail", "-q"], .aliases),
    ])
    func mode(words: [String], mode: Invocation.Mode) throws {
        #expect(try Invocation(words).mode == mode)
    }

    /// How cron, apt-listchanges, mutt, mailx, git and PHP call it.
    @Test(arguments: [
        (
            ["sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"], "", "CronDaemon",
            ["root"], false
        ),
        (["sendmail", "-t"], "", "", [], true), (["sendmail", "-oi", "-t"], "", "", [], true),
        (
            ["sendmail", "-oem", "-oi", "-f", "me@a.test", "--", "x@b.test", "y"], "me@a.test", "",
            ["x@b.test", "y"], false
        ),
        (
            ["sendmail", "-i", "-f<me@a.test>", "-F", "Me Too", "x,y"], "me@a.test", "Me Too",
            ["x", "y"], false
        ),
        (["sendmail", "-odi", "-r", "me", "-N", "never", "-V", "id", "x"], "me", "", ["x"], false),
    ])
    func callers(
        words: [String], sender: String, name: String, recipients: [String], reads: Bool
    ) throws {
        let invocation = try Invocation(words)
        #expect(invocation.sender ?? "" == sender)
        #expect(invocation.fullName ?? "" == name)
        #expect(invocation.recipients == recipients)
        #expect(invocation.readsRecipients == reads)
    }

    @Test(arguments: [
        ["sendmail", "-f"], ["sendmail", "-bd"], ["sendmail", "-Z"], ["sendmail", "--help"],
    ])
    func refused(words: [String]) {
        #expect(throws: Invocation.Mistake.self) { try Invocation(words) }
    }
}

struct SubmissionTests {
    private let caller = Submission.Caller(
        user: "alice", number: 1000, mailName: "a.test", date: MailDate(seconds: 0))
    private let received =
        "Received: by a.test (sendmail, user alice, id 1000); Thu, 1 Jan 1970 00:00:00 +0000\r\n"
    private let date = "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"

    private func make(_ text: String, _ words: [String]) throws -> Submission {
        try Submission(Array(text.utf8), try Invocation(["sendmail"] + words), caller)
    }

    private func text(_ submission: Submission) -> String {
        String(decoding: submission.message, as: UTF8.self)
    }

    @Test func whatIsMissingIsAdded() throws {
        let submission = try make("Subject: x\n\nbody\n", ["root"])
        #expect(submission.sender == "alice@a.test")
        #expect(submission.recipients == ["root@a.test"])
        #expect(
            text(submission) == received + date
                + "From: <alice@a.test>\r\nSubject: x\r\n\r\nbody\r\n")
    }

    /// What cron pipes in.
    @Test func bareNamesAreCompleted() throws {
        let submission = try make(
            "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@h> ls\nDate: today\n\nout\n",
            ["-i", "root"])
        #expect(
            text(submission) == received
                + "From: root@a.test (Cron Daemon)\r\nTo: root@a.test\r\nSubject: Cron <root@h> ls\r\nDate: today\r\n"
                + "\r\nout\r\n")
    }

    @Test func recipientsAreReadFromTheHeaderAndBccIsNotSent() throws {
        let submission = try make(
            "To: Bob <bob@b.test>, carol,\n \"D, E\" <d@b.test>\nCc: bob@b.test\nBcc: eve@b.test\n\nx\n",
            ["-t"])
        #expect(submission.recipients == ["bob@b.test", "carol@a.test", "d@b.test", "eve@b.test"])
        #expect(!text(submission).contains("eve"))
        #expect(
            text(submission).contains("To: Bob <bob@b.test>, carol,\r\n \"D, E\" <d@b.test>\r\n"))
    }

    @Test(arguments: [(["-i", "x"], "a\r\n.\r\nb\r\n"), (["x"], "a\r\n")])
    func dotEndsTheMessageUnlessIgnored(words: [String], body: String) throws {
        #expect(try text(make("S: x\n\na\n.\nb\n", words)).hasSuffix("S: x\r\n\r\n\(body)"))
    }

    @Test func textWithoutHeaderIsABody() throws {
        let submission = try make("hello there: no field\n", ["-f", "", "x"])
        #expect(submission.sender.isEmpty)
        #expect(text(submission).hasSuffix("\r\n\r\nhello there: no field\r\n"))
    }

    @Test(arguments: [("S: x\n\n", []), ("S: x\n\n", ["-t"]), ("To: <<\n\n", ["-t"])])
    func nobodyIsRefused(text: String, words: [String]) {
        #expect(throws: Invocation.Mistake.self) { try make(text, words) }
    }
}
