// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Mail

@Suite struct ReturnedMessageTests {
    static func message(_ text: String, inPiecesOf count: Int = .max) -> ReturnedMessage {
        var message = ReturnedMessage()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            message.receive(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        message.end()
        return message
    }

    static let simple =
        "Return-Path: <a@x.test>\r\nsubject:  one\r\n two\r\nMessage-ID: <1@x.test>\r\n\r\nbody\r\n"

    @Test(arguments: [1, 2, 7, 1000]) func readsInAnyPieces(count: Int) {
        let message = Self.message(Self.simple, inPiecesOf: count)
        #expect(message == Self.message(Self.simple))
        #expect(message.size == Self.simple.utf8.count)
        #expect(message.headerText.hasSuffix("Message-ID: <1@x.test>\r\n"))
        #expect(message.subject == "one two" && message.messageID == "<1@x.test>")
        #expect(!message.isEightBit && !message.isInternational && message.isPlainLines)
    }

    @Test(arguments: [
        ("A: b\r\n\r\nü\r\n", true, false, true), ("A: ü\r\n\r\nx\r\n", true, true, true),
        ("A: b\r\n\r\nx\n", false, false, false), ("A: b\r\n\r\nx\ry\r\n", false, false, false),
        ("A: b\r\n\r\nx", false, false, false), ("A: b\r\n\r\n\0\r\n", false, false, false),
        ("A: b\r\n", false, false, true), ("\r\nbody\r\n", false, false, true),
    ])
    func facts(text: String, eight: Bool, international: Bool, plain: Bool) {
        let message = Self.message(text)
        #expect(message.isEightBit == eight && message.isInternational == international)
        #expect(message.isPlainLines == plain)
    }

    @Test(arguments: [(998, true), (999, false)]) func lineLength(count: Int, plain: Bool) {
        let line = String(repeating: "x", count: count)
        #expect(Self.message("A: b\r\n\r\n\(line)\r\n").isPlainLines == plain)
    }

    @Test func aLongHeaderIsCutAfterAWholeLine() {
        let field = "X-Filler: \(String(repeating: "x", count: 100))\r\n"
        let text = String(repeating: field, count: 2000) + "\r\nbody\r\n"
        let message = Self.message(text)
        #expect(message.header.count <= ReturnedMessage.headerLimit)
        #expect(message.header.count > ReturnedMessage.headerLimit - field.utf8.count)
        #expect(message.header.suffix(2) == [0x0D, 0x0A] && message.size == text.utf8.count)
        let endless = Self.message(String(repeating: "x", count: 100_000))
        #expect(endless.header.isEmpty)
    }

    @Test(arguments: [
        "<a b@c>", "<>", "a@b", "<a@b", "<ü@b>", "<@b>", "<a@>", "<a@b@c>", "<<a@b>", "<a,b@c>",
        "<ab>", "<\(String(repeating: "x", count: 300))@y>",
    ])
    func messageIDsThatAreNone(text: String) {
        let message = Self.message("Message-ID: \(text)\r\n\r\n")
        #expect(message.messageID == (text == "<a b@c>" ? "<ab@c>" : nil))
    }

    /// What is returned: message, kind, RET, whether the way carries eight bits, and the form.
    static let forms: [(String, Report.Kind, Envelope.ReturnContent?, Bool, ReturnedForm)] = [
        (simple, .failure, nil, false, .message(isEightBit: false)),
        (simple, .failure, .full, false, .message(isEightBit: false)),
        (simple, .failure, .headers, true, .headers),
        (simple, .delay, .full, true, .headers), (simple, .success, nil, true, .headers),
        ("A: b\r\n\r\nü\r\n", .failure, nil, true, .message(isEightBit: true)),
        ("A: b\r\n\r\nü\r\n", .failure, nil, false, .headers),
        ("A: ü\r\n\r\nx\r\n", .failure, nil, false, .internationalMessage),
        ("A: ü\r\n\r\nx\r\n", .failure, .headers, false, .internationalHeaders),
        ("A: b\r\n\r\nx\n", .failure, .full, true, .headers),
        (large, .failure, nil, true, .headers),
        (large, .failure, .full, true, .message(isEightBit: false)),
    ]
    static let large = "A: b\r\n\r\n" + String(repeating: "0123456789\r\n", count: 6000)

    @Test(arguments: forms.indices) func form(index: Int) {
        let (text, kind, wanted, eight, form) = Self.forms[index]
        #expect(
            ReturnedForm(
                of: Self.message(text), for: kind, wanted: wanted, mayBeEightBit: eight) == form)
    }

    @Test(arguments: [(10 << 20, true), ((10 << 20) + 1, false)])
    func evenWhoAsksGetsNoHugeMessageBack(size: Int, isWhole: Bool) {
        var message = Self.message(Self.simple)
        message.size = size
        let form = ReturnedForm(of: message, for: .failure, wanted: .full, mayBeEightBit: true)
        #expect(form.isWhole == isWhole)
    }

    @Test(arguments: [1, 56, 57, 58, 500]) func contentIsTheSameInAnyPieces(count: Int) {
        let octets = Array((0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) })
        for form in [ReturnedForm.internationalMessage, .message(isEightBit: true)] {
            var content = ReturnedContent(form)
            var result: [UInt8] = []
            var rest = octets[...]
            while !rest.isEmpty {
                result += content.encode(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            result += content.end()
            if form == .internationalMessage {
                let lines = result.split(separator: 0x0A).map { $0.dropLast() }
                #expect(lines.allSatisfy { $0.count <= 76 })
                #expect(Base64.decode(Array(lines.joined())) == octets)
            } else {
                #expect(result == octets)
            }
        }
    }
}
