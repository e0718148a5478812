// SPDX-License-Identifier: Apache-2.0
import Mail
@testable import POP3
import TestSupport
import Testing

/// A session with the world that the transcripts speak of: user tim, password tanstaaf.
struct Subject: TranscriptSubject {
    var settings = SessionSettings(hostName: "mail.example.test", commandErrorLimit: 5)
    var session: Session
    var messages: [String] = [
        "Subject: one\r\n\r\nfirst\r\n.second\r\nthird\r\n", "A: b\r\n\r\n", "",
    ]
    var refusal: LoginRefusal?
    var gone: Set<Int> = []
    var isClosed = false

    init() {
        session = Session(settings)
    }

    mutating func receive(_ bytes: [UInt8]) {
        session.receive(bytes)
    }

    mutating func occur(_ words: [String]) {
        switch words.joined(separator: " ") {
        case "implicit TLS": settings.isSecure = true
        case "plain allowed": settings.allowsPlainLogin = true
        case "login delay 60": settings.loginDelay = 60
        case "no certificate": settings.offersTLS = false
        case "empty": messages = []
        case "busy": refusal = .inUse(holder: "192.0.2.7")
        case "too often": refusal = .tooOften(seconds: 30)
        case "blocked": refusal = .blocked(reason: "too many failed logins", seconds: 3600)
        case "temporary": refusal = .temporary
        case "permanent": refusal = .permanent
        case "fine": refusal = nil
        case "gone 2": gone = [1]
        case "many": messages = Array(repeating: "x\r\n", count: 5000)
        default: preconditionFailure("unknown event \(words)")
        }
        if words != ["fine"], words.first != "gone" { session = Session(settings) }
    }

    mutating func output() -> [UInt8] {
        var bytes: [UInt8] = []
        while !isClosed {
            switch session.next() {
            case .wait: return bytes
            case .send(let part): bytes += part
            case .startTLS:
                bytes += "(TLS)\r\n".utf8
                session.secured()
            case .logIn(let credentials): logIn(credentials)
            case .retrieve(let retrieval): bytes += retrieve(retrieval)
            case .delete(let indexes):
                let numbers = indexes.map { String($0 + 1) }.joined(separator: " ")
                bytes += "(delete \(numbers))\r\n".utf8
                session.deleted(except: indexes.filter { gone.contains($0) })
            case .close:
                bytes += "(closed)\r\n".utf8
                isClosed = true
            }
        }
        return bytes
    }

    private mutating func logIn(_ credentials: Credentials) {
        if let refusal { return session.refuse(refusal) }
        guard credentials.user == "tim", credentials.password == Array("tanstaaf".utf8) else {
            return session.refuse(.wrong)
        }
        var maildrop = Maildrop()
        for (index, message) in messages.enumerated() {
            maildrop.append(size: message.utf8.count, uniqueID: Array("id-\(index)".utf8)[...])
        }
        session.admit(maildrop)
    }

    private mutating func retrieve(_ retrieval: Retrieval) -> [UInt8] {
        if gone.contains(retrieval.index) {
            session.notRetrieved(isGone: true)
            return []
        }
        var stuffing = DotStuffing()
        var bytes = retrieval.heading
        var message = Array(messages[retrieval.index].utf8)
        if let lines = retrieval.bodyLines {
            var limit = TopLimit(bodyLines: lines)
            message = Array(message.prefix(limit.octets(of: message.span)))
        }
        stuffing.encode(message.span, into: &bytes)
        stuffing.finish(into: &bytes)
        session.retrieved()
        return bytes
    }
}

@Suite struct SessionTests {
    static let transcripts = Transcript.all(in: "pop3")

    @Test func transcriptsAreThere() {
        #expect(Self.transcripts.count >= 10)
    }

    @Test(arguments: transcripts) func dialogueWhole(_ transcript: Transcript) {
        var subject = Subject()
        #expect(transcript.play(to: &subject, inPiecesOf: nil) == [])
    }

    @Test(arguments: transcripts) func dialogueByteByByte(_ transcript: Transcript) {
        var subject = Subject()
        #expect(transcript.play(to: &subject, inPiecesOf: 1) == [])
    }

    @Test func plainTextBehindSTLSEndsTheSession() {
        var subject = Subject()
        _ = subject.output()
        subject.receive(Array("STLS\r\nUSER tim\r\nPASS tanstaaf\r\n".utf8))
        let said = String(decoding: subject.output(), as: UTF8.self)
        #expect(said == "-ERR Nothing may follow STLS before the handshake\r\n(closed)\r\n")
    }

    @Test func listingsComeInBoundedPieces() {
        var subject = Subject()
        subject.occur(["implicit", "TLS"])
        subject.occur(["many"])
        _ = subject.output()
        subject.receive(Array("USER tim\r\nPASS tanstaaf\r\nUIDL\r\nLIST\r\n".utf8))
        var largest = 0
        var bytes: [UInt8] = []
        loop: while true {
            switch subject.session.next() {
            case .send(let part):
                largest = max(largest, part.count)
                bytes += part
            case .logIn: subject.session.admit(Self.manyMessages)
            case .wait: break loop
            default: Issue.record("unexpected step")
            }
        }
        #expect(largest < Session.chunk + 256)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
        #expect(lines.count == 2 + 2 * (5000 + 2))
        #expect(lines.contains("5000 3"))
        #expect(lines.contains("5000 id-4999"))
    }

    private static let manyMessages: Maildrop = {
        var maildrop = Maildrop()
        for index in 0..<5000 {
            maildrop.append(size: 3, uniqueID: Array("id-\(index)".utf8)[...])
        }
        return maildrop
    }()

    /// RFC 1939 §5: what LIST says adds up to what STAT says, whatever is marked.
    @Test func listAddsUpToStat() {
        var maildrop = Maildrop()
        for index in 0..<100 {
            maildrop.append(size: index * 7, uniqueID: [33][...])
        }
        for index in stride(from: 0, to: 100, by: 3) {
            maildrop.mark(index)
            let left = (0..<100).filter { !maildrop.isMarked($0) }
            #expect(maildrop.count == left.count)
            #expect(maildrop.octets == left.map { maildrop.size(at: $0) }.reduce(0, +))
        }
        #expect(maildrop.deletions == Array(stride(from: 0, to: 100, by: 3)))
        maildrop.unmarkAll()
        #expect(maildrop.count == 100)
        #expect(maildrop.octets == 34_650)
    }

    /// Whatever is deleted and reset: STAT, LIST, UIDL and RETR speak of the same messages.
    @Test(arguments: 1...20) func commandsAgree(seed: Int) {
        var subject = Subject()
        subject.settings.isSecure = true
        subject.session = Session(subject.settings)
        var random = SystemRandomNumberGenerator()
        subject.messages = (0..<20).map { _ in
            String(repeating: "line\r\n", count: Int.random(in: 0...9, using: &random))
        }
        _ = subject.output()
        func say(_ line: String) -> [Substring] {
            subject.receive(Array("\(line)\r\n".utf8))
            return String(decoding: subject.output(), as: UTF8.self).split(separator: "\r\n")
        }
        _ = say("AUTH PLAIN AHRpbQB0YW5zdGFhZg==")
        var deleted: Set<Int> = []
        for _ in 0..<30 {
            if Int.random(in: 0...9, using: &random) == 0 {
                _ = say("RSET")
                deleted = []
            } else {
                let number = Int.random(in: 1...20, using: &random)
                let answer = say("DELE \(number)")
                #expect(answer[0].hasPrefix("+OK") == deleted.insert(number).inserted)
            }
            let left = (1...20).filter { !deleted.contains($0) }
            let octets = left.map { subject.messages[$0 - 1].utf8.count }
            #expect(say("STAT") == ["+OK \(left.count) \(octets.reduce(0, +))"])
            let listed = zip(left, octets).map { "\($0) \($1)" }
            #expect(say("LIST").dropFirst().dropLast().map(String.init) == listed)
            #expect(
                say("UIDL").dropFirst().dropLast().map(String.init)
                    == left.map { "\($0) id-\($0 - 1)" })
            let number = Int.random(in: 1...20, using: &random)
            #expect(say("RETR \(number)")[0].hasPrefix("+OK") != deleted.contains(number))
        }
        let expected = deleted.sorted().map(String.init).joined(separator: " ")
        let end = say("QUIT")
        #expect(deleted.isEmpty ? end.count == 2 : end[0] == "(delete \(expected))")
    }

    @Test func refusedClientHearsWhy() {
        let response = Response(LoginRefusal.blocked(reason: "too many errors", seconds: 60))
        #expect("\(response)" == "-ERR [SYS/TEMP] Not for 60 seconds: too many errors")
    }
}
