// SPDX-License-Identifier: Apache-2.0
import Mail
import SMTP
import Testing

struct ReplyParserTests {
    enum Result: Equatable {
        case replies([PeerReply])
        case error(ReplyError)
    }

    static let table: [(input: String, result: Result)] = [
        ("250 OK\r\n", .replies([PeerReply(code: 250, lines: ["OK"])])),
        ("250\r\n", .replies([PeerReply(code: 250, lines: [""])])),
        ("250 \r\n", .replies([PeerReply(code: 250, lines: [""])])),
        ("250 OK\n", .replies([PeerReply(code: 250, lines: ["OK"])])),
        ("250-a\r\n250-b\r\n250 c\r\n", .replies([PeerReply(code: 250, lines: ["a", "b", "c"])])),
        ("250-a\r\n250\r\n", .replies([PeerReply(code: 250, lines: ["a", ""])])),
        (
            "220 a\r\n421 b\r\n",
            .replies([PeerReply(code: 220, lines: ["a"]), PeerReply(code: 421, lines: ["b"])])
        ),
        ("250 tab\there\u{1B}[0m\r\n", .replies([PeerReply(code: 250, lines: ["tab?here?[0m"])])),
        ("550 Grüße\r\n", .replies([PeerReply(code: 550, lines: ["Grüße"])])),
        ("250 un", .replies([])),
        ("250-a\r\n", .replies([])),
        ("250-a\r\n550 b\r\n", .error(.malformed("250 continued by 550 b"))),
        ("hello\r\n", .error(.malformed("hello"))),
        ("25\r\n", .error(.malformed("25"))),
        ("\r\n", .error(.malformed(""))),
        ("199 low\r\n", .error(.malformed("199 low"))),
        ("600 high\r\n", .error(.malformed("600 high"))),
        ("250\tOK\r\n", .error(.malformed("250?OK"))),
        (" 250 OK\r\n", .error(.malformed(" 250 OK"))),
        (String(repeating: "2", count: 5000), .error(.tooLong)),
        (String(repeating: "250-x\r\n", count: 300), .error(.tooLong)),
    ]

    @Test(arguments: table.indices, [1, 7, 1_000_000])
    func parses(_ row: Int, _ step: Int) {
        let (input, expected) = Self.table[row]
        var parser = ReplyParser()
        var replies: [PeerReply] = []
        var rest = Array(input.utf8)[...]
        do throws(ReplyError) {
            while !rest.isEmpty {
                parser.append(Array(rest.prefix(step)).span)
                rest = rest.dropFirst(step)
                while let reply = try parser.next() { replies.append(reply) }
            }
            #expect(expected == .replies(replies), "\(input.prefix(40))")
        } catch {
            #expect(expected == .error(error), "\(input.prefix(40))")
        }
    }

    @Test func keepsLittleOfALongReply() throws {
        var parser = ReplyParser()
        let line = "250-" + String(repeating: "x", count: 4000) + "\r\n"
        for _ in 0..<200 {
            parser.append(Array(line.utf8).span)
            #expect(try parser.next() == nil)
        }
        parser.append(Array("250 end\r\n".utf8).span)
        let reply = try #require(try parser.next())
        #expect(reply.lines.reduce(0) { $0 + $1.utf8.count } <= ReplyParser.textLimit)
    }

    static let outcomes: [(String, Outcome.Stage, Outcome.Result, String)] = [
        ("250 2.1.5 OK", .recipient, .accepted, "2.1.5"),
        ("250 OK", .endOfData, .accepted, "2.0.0"),
        ("550 5.1.1 no", .recipient, .permanent, "5.1.1"),
        ("550 no such user", .recipient, .permanent, "5.1.1"),
        ("550 no", .endOfData, .permanent, "5.0.0"),
        ("451 5.7.1 unfitting", .recipient, .temporary, "4.0.0"),
        ("452 too many", .recipient, .temporary, "4.5.3"),
        ("552 too many", .recipient, .temporary, "4.5.3"),
        ("552 too big", .endOfData, .permanent, "5.3.4"),
        ("556 null MX", .recipient, .permanent, "5.1.10"),
        ("421 going", .mail, .temporary, "4.3.2"),
        ("550 5.7.515 sender not authenticated", .endOfData, .permanent, "5.7.515"),
        ("354 what", .mail, .temporary, "4.5.0"),
    ]

    @Test(arguments: outcomes.indices)
    func judges(_ row: Int) throws {
        let (line, stage, result, status) = Self.outcomes[row]
        var parser = ReplyParser()
        parser.append(Array((line + "\r\n").utf8).span)
        let outcome = try #require(try parser.next()).outcome(at: stage)
        #expect(outcome.result == result)
        #expect(outcome.status.description == status)
        #expect(outcome.isRemote)
    }
}
