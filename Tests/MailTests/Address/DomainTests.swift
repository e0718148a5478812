// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct DomainTests {
    @Test(arguments: [
        ("example.test", "example.test"),
        ("EXAMPLE.Test", "example.test"),
        ("localhost", "localhost"),
        ("a-b.c1", "a-b.c1"),
        ("1.2.3.4", "1.2.3.4"),
        ("under_score.example", "under_score.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u{308}cher.example", "xn--bcher-kva.example"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
        ("faß.de", "xn--fa-hia.de"),
        ("i❤.ws", "xn--i-7iq.ws"),
        ("מה.example", "xn--8dbt.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[001.002.003.004]", "[1.2.3.4]"),
        ("[IPv6:2001:DB8:0:0:0:0:0:1]", "[IPv6:2001:db8::1]"),
        ("[ipv6:::]", "[IPv6:::]"),
        ("[IPv6:::1]", "[IPv6:::1]"),
        ("[IPv6:1::]", "[IPv6:1::]"),
        ("[IPv6:::ffff:192.0.2.1]", "[IPv6:::ffff:c000:201]"),
        ("[IPv6:1:0:0:2:0:0:0:3]", "[IPv6:1:0:0:2::3]"),
        ("[IPv6:1:0:2:0:3:0:4:0]", "[IPv6:1:0:2:0:3:0:4:0]"),
        ("[IPv6:1:2:3:4:5:6:1.2.3.4]", "[IPv6:1:2:3:4:5:6:102:304]"),
    ])
    func right(text: String, ascii: String) {
        let domain = Domain(text)
        #expect(domain?.ascii == ascii)
        #expect(domain?.text == text)
        #expect(domain == Domain(ascii))
        #expect(Domain(ascii)?.ascii == ascii)
    }

    @Test(arguments: [
        "", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a b", "a\tb", "a@b", "a/b", "a\0", "é\0",
        "ä..b", "ä.", ".ä", "ä b", "ä\u{3002}b", "ä\u{FF0E}b", "ä\u{200E}", "\u{301}a", "ä-",
        "ä!", "a\u{A0}b", "[", "[]", "[1.2.3]", "[1.2.3.4.5]", "[1.2.3.256]", "[1.2.3.]",
        "[1.2.3.4",
        "1.2.3.4]", "[ 1.2.3.4]", "[1.2.3.1000]", "[1.2.3.+4]", "[IPv6:]", "[IPv6:1]",
        "[2001:db8::1]",
        "[IPv6:1:2:3:4:5:6:7]", "[IPv6:1:2:3:4:5:6:7:8:9]", "[IPv6:1::2::3]", "[IPv6:::1:]",
        "[IPv6::1]", "[IPv6:1:]", "[IPv6:12345::]", "[IPv6:g::]", "[IPv6:1.2.3.4::]",
        "[IPv6:1:2:3:4:5:6:7::8]", "[IPv6:fe80::1%eth0]", "[IPv6:1:2:3:4:5:6:7:1.2.3.4]", "[x:y]",
        "[IPv6::::]",
    ])
    func wrong(text: String) {
        #expect(Domain(text) == nil)
    }

    @Test func lengths() {
        let label = String(repeating: "a", count: 63)
        #expect(Domain(label) != nil)
        #expect(Domain(label + "a") == nil)
        let longest = [label, label, label, label].joined(separator: ".")
        #expect(longest.utf8.count == 255)
        #expect(Domain(longest) != nil)
        #expect(Domain("a" + longest) == nil)
        // 63 octets as an A-label, and one more.
        #expect(Domain(String(repeating: "ü", count: 30)) != nil)
        #expect(Domain(String(repeating: "ü", count: 100)) == nil)
        #expect(Domain(String(repeating: "a", count: 62) + "ü") == nil)
    }

    @Test func invalidUTF8() {
        #expect(Domain(bytes: [0x61, 0xFF]) == nil)
        #expect(Domain(bytes: [0xC3]) == nil)
        #expect(Domain(bytes: [0xED, 0xA0, 0x80]) == nil)
    }

    @Test func within() throws {
        let parent = try #require(Domain("Example.test"))
        #expect(try #require(Domain("example.TEST")).isWithin(parent))
        #expect(try #require(Domain("a.b.example.test")).isWithin(parent))
        #expect(try !#require(Domain("anexample.test")).isWithin(parent))
        #expect(try !#require(Domain("test")).isWithin(parent))
    }
}
