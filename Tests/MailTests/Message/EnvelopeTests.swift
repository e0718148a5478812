// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct XTextTests {
    @Test(arguments: [
        ("abc", "abc", "abc"), ("a+2Bb", "a+b", "a+2Bb"), ("a+3Db", "a=b", "a+3Db"),
        ("+20", " ", "+20"), ("+2b", "+", "+2B"), ("", "", ""), ("+41", "A", "A"),
        ("!~", "!~", "!~"),
    ])
    func right(encoded: String, text: String, again: String) {
        let xtext = XText(encoded: Array(encoded.utf8)[...])
        #expect(xtext?.text == text)
        #expect(xtext?.encoded == again)
        #expect(XText(text) == xtext)
    }

    @Test(arguments: [
        "+", "+2", "a+", "+G0", "a=b", "a b", "a\0", "+00", "+0A", "+0D", "+7F", "+80", "ä", "++2B",
        "\u{7F}",
    ])
    func wrong(encoded: String) {
        #expect(XText(encoded: Array(encoded.utf8)[...]) == nil)
    }
}

@Suite struct OriginalRecipientTests {
    @Test(arguments: [
        ("rfc822;a@b", "rfc822", "a@b"), ("RFC822;a+2Bb@c", "rfc822", "a+b@c"),
        ("x400;a;b", "x400", "a;b"), ("utf-8;a\\x{E4}@b", "utf-8", "a\\x{E4}@b"),
        ("utf-8;ä@b", "utf-8", "ä@b"), ("utf-8;a\\x{1F600}", "utf-8", "a\\x{1F600}"),
        // As Postfix writes it.
        ("rfc822;gr+C3+BCn+2Bx@b", "utf-8", "grün\\x{2B}x@b"),
    ])
    func right(parameter: String, type: String, decoded: String) {
        let original = OriginalRecipient(parameter: Array(parameter.utf8)[...])
        #expect(original?.type == type)
        #expect(original?.decodedAddress == decoded)
    }

    @Test(arguments: [
        "", ";", "a", "a;", ";a", "rfc822;a b", "rfc822;a=b", "rfc822;a+b", "rfc822;a+00", "a b;c",
        "rfc822;ä", "ä;a", "rfc822;a+C3", "rfc822;a+C3+28", "rfc822;a+C2+80", "x400;gr+C3+BCn",
        "rfc(822);a", "rfc822;a\0", "utf-8;a+b", "utf-8;a\\b", "utf-8;\\x{}",
        "utf-8;\\x{0A}", "utf-8;\\x{D800}", "utf-8;\\x{1234567}", "utf-8;\\x{41", "utf-8;a\u{7F}",
    ])
    func wrong(parameter: String) {
        #expect(OriginalRecipient(parameter: Array(parameter.utf8)[...]) == nil)
    }

    @Test(arguments: [
        ("utf-8;ä@b", "utf-8;\\x{E4}@b"), ("utf-8;a\\x{2B}@b", "utf-8;a\\x{2B}@b"),
        ("rfc822;a+2Bb@c", "rfc822;a+2Bb@c"),
    ])
    func inASCII(parameter: String, expected: String) {
        let original = OriginalRecipient(parameter: Array(parameter.utf8)[...])
        #expect(original?.asciiParameter == expected)
    }

    @Test func length() {
        let longest = "rfc822;" + String(repeating: "a", count: 493)
        #expect(OriginalRecipient(parameter: Array(longest.utf8)[...]) != nil)
        #expect(OriginalRecipient(parameter: Array((longest + "a").utf8)[...]) == nil)
    }
}

@Suite struct NotifyTests {
    static let texts: [(Recipient.Notify, String)] = [
        (.never, "NEVER"), (.success, "SUCCESS"), ([.failure, .delay], "FAILURE,DELAY"),
        ([.success, .failure, .delay], "SUCCESS,FAILURE,DELAY"),
    ]

    @Test(arguments: texts) func text(notify: Recipient.Notify, text: String) {
        #expect(notify.text == text)
    }
}

@Suite struct EnhancedStatusTests {
    @Test(arguments: ["2.0.0", "4.5.3", "5.7.999", "5.999.0"])
    func right(text: String) {
        #expect(EnhancedStatus(text)?.description == text)
    }

    @Test(arguments: [
        "", "5", "5.1", "5.1.1.1", "3.0.0", "1.0.0", "5.1000.1", "5.1.1000", "5..1", "5.1.",
        "-5.1.1",
        "5.+1.1", "5.1.1 ", "5.a.1", "٥.1.1",
    ])
    func wrong(text: String) {
        #expect(EnhancedStatus(text) == nil)
    }

    @Test func bounds() {
        #expect(EnhancedStatus(.permanent, 5000, 5000).description == "5.999.999")
        #expect(EnhancedStatus.mailboxFull.isTemporary)
        #expect(!EnhancedStatus.unknownMailbox.isTemporary)
    }
}
