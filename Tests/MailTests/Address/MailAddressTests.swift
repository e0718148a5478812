// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct MailAddressTests {
    /// The text, the local part's meaning, the address as it is written again.
    @Test(arguments: [
        ("a@b", "a", "a@b"),
        ("a.b+c@example.org", "a.b+c", "a.b+c@example.org"),
        ("!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~", "!#$%&'*+-/=?^_`{|}~@x"),
        ("\"a\"@x", "a", "a@x"),
        ("\"a b\"@x", "a b", "\"a b\"@x"),
        ("\"a@b\"@x", "a@b", "\"a@b\"@x"),
        ("\"a\\\"b\"@x", "a\"b", "\"a\\\"b\"@x"),
        ("\"a\\\\b\"@x", "a\\b", "\"a\\\\b\"@x"),
        ("\"\\a\"@x", "a", "a@x"),
        ("\"a..b\"@x", "a..b", "\"a..b\"@x"),
        ("\".\"@x", ".", "\".\"@x"),
        ("\"\"@x", "", "\"\"@x"),
        ("\"<>\"@x", "<>", "\"<>\"@x"),
        ("ä@bücher.example", "ä", "ä@bücher.example"),
        ("\"ä b\"@x", "ä b", "\"ä b\"@x"),
        ("a@[192.0.2.1]", "a", "a@[192.0.2.1]"),
        ("a@[IPv6:::1]", "a", "a@[IPv6:::1]"),
    ])
    func right(text: String, meaning: String, written: String) throws {
        let address = try #require(MailAddress(text))
        #expect(address.localPart.text == meaning)
        #expect(address.description == written)
        #expect(MailAddress(written) == address)
    }

    @Test(arguments: [
        "", "a", "@", "a@", "@b", "a@b@c", ".a@b", "a.@b", "a..b@c", "a b@c", "a@b c", "<a@b>",
        "a,b@c", "a:b@c", "a(b)@c", "a\\b@c", "\"a@b", "a\"b\"@c", "\"a\"b@c", "\"a\\@b",
        "\"\\ä\"@b",
        "a@b\r\n", "a\0@b", "\"\0\"@b", "\"\t\"@b", "\"\u{7F}\"@b", "a@[1.2.3.4", "a@[1.2.3.4]x",
        "a@b.", "a@b>", "\"a\"\"b\"@c",
    ])
    func wrong(text: String) {
        #expect(MailAddress(text) == nil)
    }

    @Test func lengths() {
        let local = String(repeating: "a", count: 64)
        #expect(MailAddress("\(local)@b") != nil)
        #expect(MailAddress("\(local)a@b") == nil)
        // Quotes count.
        #expect(MailAddress("\"\(local.dropLast(2))\"@b") != nil)
        #expect(MailAddress("\"\(local.dropLast())\"@b") == nil)
        #expect(LocalPart(local) != nil)
        #expect(LocalPart(local + "a") == nil)
        #expect(LocalPart("a\nb") == nil)
    }

    @Test func comparison() throws {
        #expect(MailAddress("a@EXAMPLE.org") == MailAddress("a@example.ORG"))
        #expect(MailAddress("A@example.org") != MailAddress("a@example.org"))
        #expect(MailAddress("\"a\"@x") == MailAddress("a@x"))
        #expect(MailAddress("a@bücher.example") == MailAddress("a@XN--BCHER-KVA.example"))
        #expect(try #require(MailAddress("a@xn--bcher-kva.example")).isASCII)
        #expect(try !#require(MailAddress("a@bücher.example")).isASCII)
        #expect(try !#require(MailAddress("ä@x")).isASCII)
    }
}

@Suite struct PathTests {
    @Test(arguments: [
        ("<>", "<>"),
        ("<a@b>", "<a@b>"),
        ("<@x,@y.z:a@b>", "<a@b>"),
        ("<@[1.2.3.4]:a@b>", "<a@b>"),
        ("<\">\"@b>", "<\">\"@b>"),
    ])
    func reverse(text: String, written: String) throws {
        var cursor = ByteCursor(Array(text.utf8))
        #expect(try ReversePath(from: &cursor).description == written)
        #expect(cursor.isAtEnd)
    }

    @Test(arguments: [
        ("a@b", AddressError.malformed), ("<a@b", .malformed), ("<a>", .malformed),
        ("<<a@b>>", .malformed), ("< a@b>", .malformed), ("<@x:>", .malformed),
        ("<@x a@b>", .malformed), ("<@x,:a@b>", .malformed), ("<@:a@b>", .badDomain),
        ("<a@>", .badDomain), ("<a@b..c>", .badDomain), ("<postmaster>", .malformed),
    ])
    func reverseWrong(text: String, error: AddressError) {
        var cursor = ByteCursor(Array(text.utf8))
        #expect(throws: error) { try ReversePath(from: &cursor) }
    }

    @Test func forward() throws {
        var cursor = ByteCursor(Array("<PostMaster>".utf8))
        #expect(try ForwardPath(from: &cursor) == .postmaster)
        cursor = ByteCursor(Array("<postmaster@b>".utf8))
        let address = try #require(MailAddress("postmaster@b"))
        #expect(try ForwardPath(from: &cursor) == .address(address))
        cursor = ByteCursor(Array("<>".utf8))
        #expect(throws: AddressError.malformed) { try ForwardPath(from: &cursor) }
    }

    @Test func lengths() throws {
        let label = String(repeating: "a", count: 63)
        // 1 + 64 + 1 + 189 + 1 octets.
        let local = String(repeating: "u", count: 64)
        let domain = [label, label, String(label.dropLast(2))].joined(separator: ".")
        var cursor = ByteCursor(Array("<\(local)@\(domain)>".utf8))
        #expect(cursor.bytes.count == 256)
        #expect(throws: Never.self) { try ForwardPath(from: &cursor) }
        cursor = ByteCursor(Array("<@relay.example:\(local)@\(domain)>".utf8))
        #expect(throws: Never.self) { try ForwardPath(from: &cursor) }
        cursor = ByteCursor(Array("<\(local)@\(domain)a>".utf8))
        #expect(throws: AddressError.pathTooLong) { try ForwardPath(from: &cursor) }
        cursor = ByteCursor(Array("<\(String(repeating: "@x,", count: 999))@x:a@b>".utf8))
        #expect(throws: AddressError.pathTooLong) { try ForwardPath(from: &cursor) }
    }
}
