// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import wmail

@Suite struct SHA256Tests {
    /// FIPS 180-4's examples, and lengths around the ends of blocks against sha256sum(1).
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 55),
            "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"
        ),
        (
            String(repeating: "a", count: 56),
            "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"
        ),
        (
            String(repeating: "a", count: 64),
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"
        ),
    ])
    func digests(_ text: String, _ digest: String) {
        let bytes = Array(text.utf8)
        #expect(hexadecimal(SHA256.digest(bytes)) == digest)
        var hash = SHA256()
        for byte in bytes { hash.update([byte]) }
        #expect(hexadecimal(hash.finish()) == digest)
    }
}

@Suite struct LineEndTests {
    @Test(arguments: [
        ("a\nb\n", "a\r\nb\r\n"), ("a\r\nb", "a\r\nb\r\n"), ("", ""), ("a\r", "a\r\n"),
        ("a\rb\n", "a\rb\r\n"), ("\n\n", "\r\n\r\n"), ("a\r\r\n", "a\r\r\n"),
    ])
    func withCRLF(_ old: String, _ new: String) {
        #expect(String(decoding: ForeignMessage.withCRLF(Array(old.utf8)), as: UTF8.self) == new)
    }

    @Test(arguments: [
        ("..a\n.b\n", ".a\n.b\n"), ("a..\n...\n", "a..\n..\n"), ("a\r\n..\r\n", "a\r\n.\r\n"),
        (".", "."),
    ])
    func withoutStuffing(_ old: String, _ new: String) {
        #expect(
            String(decoding: ForeignMessage.withoutStuffing(Array(old.utf8)), as: UTF8.self) == new)
    }
}

@Suite struct MboxAssemblerTests {
    static let from = "From a@b.test Thu Nov 26 12:34:56 2026\n"

    static func messages(_ text: String, _ quoting: MboxAssembler.Quoting = .auto) -> [String]? {
        var assembler = MboxAssembler(quoting: quoting)
        var found: [MboxAssembler.Entry] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            guard let entries = assembler.take(Array("\(line)\n".utf8)) else { return nil }
            found += entries
        }
        found += assembler.finish()
        return found.map { String(decoding: $0.content, as: UTF8.self) }
    }

    @Test(
        arguments: [
            ("", []),
            ("\(from)A: 1\n\nx\n\n", ["A: 1\n\nx\n"]),
            ("\(from)A: 1\n\nx\n", ["A: 1\n\nx\n"]),
            ("\(from)A: 1\n\nx\n\n\(from)B: 2\n\ny\n\n", ["A: 1\n\nx\n", "B: 2\n\ny\n"]),
            // An empty body; an empty line at the end of a body.
            ("\(from)A: 1\n\n\(from)B: 2\n\n", ["A: 1\n\n", "B: 2\n\n"]),
            ("\(from)A: 1\n\nx\n\n\n\(from)B: 2\n\ny\n\n", ["A: 1\n\nx\n\n", "B: 2\n\ny\n"]),
            // No separator: nothing before it is empty, or it has no date.
            ("\(from)A: 1\n\nx\n\(from)y\n\n", ["A: 1\n\nx\n\(from)y\n"]),
            ("\(from)A: 1\n\n\nFrom me to you\n\n", ["A: 1\n\n\nFrom me to you\n"]),
            // Quoted.
            (
                "\(from)A: 1\n\n>From me\n>>From me\n>From\n\n",
                ["A: 1\n\nFrom me\n>From me\n>From\n"]
            ),
            // Content-Length that is right: what looks like a separator is text, and nobody quoted.
            (
                "\(from)Content-Length: \(from.utf8.count + 3)\n\n\n\(from)x\n\n\(from)B: 2\n\ny\n\n",
                ["Content-Length: \(from.utf8.count + 3)\n\n\n\(from)x\n", "B: 2\n\ny\n"]
            ),
            // Content-Length that is wrong: too long, too short.
            (
                "\(from)Content-Length: 999\n\nx\n\n\(from)B: 2\n\ny\n\n",
                ["Content-Length: 999\n\nx\n", "B: 2\n\ny\n"]
            ),
            (
                "\(from)Content-Length: 2\n\nx\nz\n\n\(from)B: 2\n\ny\n\n",
                ["Content-Length: 2\n\nx\nz\n", "B: 2\n\ny\n"]
            ),
        ] as [(String, [String])])
    func read(_ text: String, _ messages: [String]) {
        #expect(Self.messages(text) == messages)
    }

    @Test func firstLineMustBeginAMessage() {
        #expect(Self.messages("Subject: x\n\n") == nil)
    }

    @Test(arguments: [
        (MboxAssembler.Quoting.rd, ["A: 1\n\nFrom x\n>From x\n"]),
        (.o, ["A: 1\n\nFrom x\n>>From x\n"]), (.none, ["A: 1\n\n>From x\n>>From x\n"]),
    ])
    func quoting(_ quoting: MboxAssembler.Quoting, _ messages: [String]) {
        #expect(Self.messages("\(Self.from)A: 1\n\n>From x\n>>From x\n\n", quoting) == messages)
    }

    @Test(arguments: [
        ("From a@b.test Thu Nov 26 12:34:56 2026", 1_795_696_496),
        ("From a@b.test  Thu Nov  6 12:34 2026 ", 1_793_968_440),
        ("From 123@xxx Thu Nov 26 12:34:56 +0000 2026", 1_795_696_496),
        ("From a@b Thu Nov 26 12:34:56 UTC 2026", 1_795_696_496), ("From me to you", nil),
        ("From Thu Nov", nil), ("From a Thu Nov 40 12:34:56 2026", nil),
    ])
    func dates(_ line: String, _ seconds: Int?) {
        #expect(MboxAssembler.arrival(Array(line.utf8)) == seconds)
    }

    /// What is exported and read again is the same.
    @Test(arguments: [
        "A: 1\r\n\r\n", "A: 1\r\n\r\nFrom x\r\n>From y\r\n\r\n", "A: 1\r\n\r\n\(from)\r\n\r\n\r\n",
        "Return-Path: <x@y.test>\r\n\r\nText\r\n", "Content-Length: 7\r\n\r\nText, not 7\r\n",
    ])
    func export(_ message: String) {
        let content = ForeignMessage.withCRLF(Array(message.utf8))
        let mbox = MboxWriter.entry(content, arrived: 1_795_696_496_000_000)
        let text = String(decoding: mbox + mbox, as: UTF8.self)
        #expect(!text.contains("\r"))
        #expect(
            Self.messages(text)?.map { ForeignMessage.withCRLF(Array($0.utf8)) } == [
                content, content,
            ])
    }

    @Test func exportedDate() {
        #expect(MboxWriter.date(1_795_696_496) == "Thu Nov 26 12:34:56 2026")
        #expect(MboxWriter.date(0) == "Thu Jan  1 00:00:00 1970")
    }
}

@Suite struct DovecotTests {
    static let list = """
        3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1
        25006 :1276528487.M364837P9451.kurkku,S=1355,W=1394:2,
        25017 W2481 Pold-id-7 :1276533073.M242911P3632.kurkku:2,F
        25018 O3 G0123 :1276533074.M1P1.kurkku
        nonsense
        """

    @Test func read() throws {
        let list = try #require(DovecotUIDList(Self.list))
        #expect(list.uidValidity == 1_275_660_208)
        #expect(list.entries.count == 3)
        #expect(list.entries["1276528487.M364837P9451.kurkku,S=1355,W=1394"]?.uid == 25_006)
        #expect(list.entries["1276533073.M242911P3632.kurkku"]?.saved == "old-id-7")
        #expect(list.entries["1276533074.M1P1.kurkku"]?.order == 3)
        let first = DovecotUIDList("1 1173189136 20221\n20220 1173189136.M1.host:2,S\n")
        #expect(first?.entries["1173189136.M1.host"]?.uid == 20_220)
        #expect(DovecotUIDList("2 x\n") == nil)
        #expect(DovecotUIDList("") == nil)
    }

    @Test(arguments: [
        ("%08Xu%08Xv", "000061ae4c0907b0"), ("%v.%u", "1275660208.25006"), ("%u", "25006"),
        ("%v-%u", "1275660208-25006"), ("%f", "name"), ("%g", "0123"), ("%08XUu", "000061AE"),
        ("100%%", "100%"),
        ("%m", nil), ("%", nil),
    ])
    func formats(_ format: String, _ id: String?) {
        let entry = DovecotUIDList.Entry(uid: 25_006, guid: "0123")
        #expect(UIDLFormat(format)?.text(entry, validity: 1_275_660_208, fileName: "name") == id)
    }

    @Test func savedIDsWin() throws {
        let format = try #require(UIDLFormat(UIDLFormat.standard))
        #expect(
            format.text(DovecotUIDList.Entry(uid: 1, saved: "kept"), validity: 1, fileName: "x")
                == "kept")
    }
}

@Suite struct ProgressTests {
    @Test func bar() {
        #expect(Progress.line("a", 5, of: 10) == "a [##########          ] 5 of 10")
        #expect(Progress.line("a", 5, of: nil) == "a: 5")
        #expect(Progress.line("a", 0, of: 0) == "a: 0")
    }
}
