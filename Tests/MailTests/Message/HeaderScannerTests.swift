// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct HeaderScannerTests {
    private func facts(_ header: String) -> HeaderFacts {
        HeaderScanner.facts(of: Array(header.utf8)[...])
    }

    @Test func ordinary() throws {
        let header =
            "Received: from a\r\n by b\r\nreceived: from c\r\nDate: today\r\n"
            + "From: Tim <tim@example.test>\r\nMESSAGE-ID: <x@y>\r\nSubject: x\r\n\r\n"
        let facts = facts(header)
        #expect(facts.hasDate && facts.hasMessageID)
        #expect(facts.receivedCount == 2)
        #expect(facts.fieldCount == 6)
        #expect(facts.fromCount == 1)
        #expect(facts.from == [try #require(MailAddress("tim@example.test"))])
        #expect(!facts.isFromMalformed && !facts.hasMalformedLine && !facts.has8Bit)
        #expect(facts.length == header.utf8.count)
        #expect(facts.longestLine == 28)
    }

    @Test func nothing() {
        #expect(facts("") == HeaderFacts())
        var empty = HeaderFacts()
        empty.length = 2
        #expect(facts("\r\n") == empty)
    }

    /// What must not be hidden from us is not: some reader would find it.
    @Test(arguments: [
        ("From: a@b\r\nFrom: c@d\r\n", ["a@b", "c@d"], 2),
        ("FROM : a@b\r\n", ["a@b"], 1),
        ("From\t : a@b\r\n", ["a@b"], 1),
        ("x\r\nFrom: a@b\r\n", ["a@b"], 1),
        (" x\r\nFrom: a@b\r\n", ["a@b"], 1),
        ("X: y\r\n \r\nFrom: a@b\r\n", ["a@b"], 1),
        ("From:\r\n a@b\r\n", ["a@b"], 1),
        ("From: a\r\n @\r\n b\r\n", ["a@b"], 1),
        ("From: a@b", ["a@b"], 1),
        ("\r\nFrom: a@b\r\n", [], 0),
        ("X-From: a@b\r\nFromm: a@b\r\nFro: a@b\r\n", [], 0),
        ("X: y\r\n From: a@b\r\n", [], 0),
    ])
    func from(header: String, addresses: [String], count: Int) {
        let facts = facts(header + "\r\n")
        #expect(facts.from.map(\.description) == addresses)
        #expect(facts.fromCount == count)
    }

    @Test(arguments: [
        ("x\r\n", true), (" x\r\n", true), (": x\r\n", true), ("a b: x\r\n", true),
        ("ä: x\r\n", true),
        ("A\0: x\r\n", true), ("From me Tue\r\n", true), ("A: x\r\n", false),
        ("A: x\r\n y\r\n\tz\r\n", false), ("A :x\r\n", false), ("A:\r\n", false), ("A\r\n", true),
    ])
    func malformedLines(header: String, isMalformed: Bool) {
        #expect(facts(header + "\r\n").hasMalformedLine == isMalformed)
    }

    @Test func kindsOfOctets() {
        #expect(facts("A: ä\r\n\r\n").has8Bit)
        #expect(facts("A: \0\r\n\r\n").hasNUL)
        #expect(facts("A: b\r\n\r\n").longestLine == 4)
    }
}

@Suite struct AddressListTests {
    @Test(arguments: [
        ("", []),
        (" ", []),
        (" , ", []),
        ("a@b", ["a@b"]),
        (" a@b ", ["a@b"]),
        ("<a@b>", ["a@b"]),
        ("Tim <a@b>", ["a@b"]),
        ("Tim B. Smith <a@b>", ["a@b"]),
        ("\"Tim <c@d>\" <a@b>", ["a@b"]),
        ("Tim (c@d) <a@b>", ["a@b"]),
        ("Tim (c (d) \\) e) <a@b> (f)", ["a@b"]),
        ("=?utf-8?q?T=C3=AFm?= <a@b>", ["a@b"]),
        ("Tïm <a@b>", ["a@b"]),
        ("a (x) @ (y) b (z)", ["a@b"]),
        ("a . b @ c . d", ["a.b@c.d"]),
        ("\"a b\"@c", ["\"a b\"@c"]),
        ("\"a\".b@c", ["a.b@c"]),
        ("\"a\\\"b\"@c", ["\"a\\\"b\"@c"]),
        ("a@b, c@d", ["a@b", "c@d"]),
        ("a@b,,c@d,", ["a@b", "c@d"]),
        ("Team: a@b, Tim <c@d>;", ["a@b", "c@d"]),
        ("Team:;", []),
        ("Team: a@b;, c@d", ["a@b", "c@d"]),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        ("<@x,@y:a@b>", ["a@b"]),
        ("a\r\n @b", ["a@b"]),
        ("\"a\r\n b\" <a@b>", ["a@b"]),
        ("ä@bücher.example", ["ä@bücher.example"]),
    ])
    func right(value: String, addresses: [String]) throws {
        let found = try AddressList.addresses(in: Array(value.utf8))
        #expect(found.map(\.description) == addresses)
    }

    @Test(arguments: [
        "Tim", "a@b c@d", "a@b c", "<a@b> <c@d>", "<a@b", "a@b>", "<>", "Tim <>", "a@", "@b",
        "a@b@c",
        "a..b@c", ".a@b", "a.@b", "(a@b", "a@b)", "\"a@b", "Team: a@b", "a@b;", ":;", "A: B: a@b;;",
        "<a@b>, Tim", "a@b,c", "a;b@c", "a@b\0", "(\0) a@b", "\"\0\" <a@b>", "<a b@c>", "a@b..c",
        "a@[x]",
        "Team: a@b; c", "[a]@b", "<a@b>x", "\\a@b", "a@b, <",
    ])
    func wrong(value: String) {
        #expect(throws: AddressError.self) { try AddressList.addresses(in: Array(value.utf8)) }
    }
}
