// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct TraceFieldTests {
    @Test(arguments: [
        (0, 0, "Thu, 1 Jan 1970 00:00:00 +0000"),
        (-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"),
        (951_782_400, 0, "Tue, 29 Feb 2000 00:00:00 +0000"),
        (1_795_491_900, 0, "Tue, 24 Nov 2026 03:45:00 +0000"),
        (1_795_491_900, 60, "Tue, 24 Nov 2026 04:45:00 +0100"),
        (1_795_491_900, -570, "Mon, 23 Nov 2026 18:15:00 -0930"),
        (4_107_542_399, 0, "Sun, 28 Feb 2100 23:59:59 +0000"),
        (4_107_542_400, 0, "Mon, 1 Mar 2100 00:00:00 +0000"),
        (-2_203_891_200, 0, "Thu, 1 Mar 1900 00:00:00 +0000"),
        (.max, 0, "Fri, 31 Dec 9999 00:00:00 +0000"),
        (.min, -60, "Mon, 1 Jan 0001 00:00:00 -0100"),
    ])
    func dates(seconds: Int, offset: Int, text: String) {
        #expect("\(MailDate(seconds: seconds, offset: offset))" == text)
    }

    @Test func daysFollowEachOther() {
        // 400 years of days: the day of the week and of the month never jump.
        var previous = "\(MailDate(seconds: -12_622_780_800 - 86_400))".split(separator: " ")
        for day in 0..<146_097 {
            let words = "\(MailDate(seconds: -12_622_780_800 + day * 86_400))".split(separator: " ")
            let isNext = Int(words[1]) == (Int(previous[1]) ?? 0) + 1
            #expect(isNext ? words[2] == previous[2] : words[1] == "1" && words[2] != previous[2])
            previous = words
        }
        #expect(previous == ["Wed,", "31", "Dec", "1969", "00:00:00", "+0000"])
    }

    private let reception = TraceField.Reception(
        clientName: "client.example", clientAddress: "192.0.2.1", serverName: "mx.example.test",
        transmissionType: "ESMTPS",
        tls: TLSParameters(version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", bits: 256),
        id: "0123456789abcdefghijklmnop", date: MailDate(seconds: 0))

    @Test func received() {
        var reception = reception
        reception.recipient = MailAddress("tim@example.test")
        #expect(
            TraceField.received(reception) == """
                Received: from client.example ([192.0.2.1]) by mx.example.test (wMailServer)\r
                 with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384 256 bits)\r
                 id 0123456789abcdefghijklmnop for <tim@example.test>;\r
                 Thu, 1 Jan 1970 00:00:00 +0000\r

                """)
    }

    @Test func receivedWithoutAnythingOfTheClient() {
        var reception = reception
        reception.clientName = nil
        reception.tls = nil
        #expect(
            TraceField.received(reception) == """
                Received: by mx.example.test (wMailServer) with ESMTPS\r
                 id 0123456789abcdefghijklmnop; Thu, 1 Jan 1970 00:00:00 +0000\r

                """)
        reception.clientName = "[192.0.2.9]"
        reception.clientAddress = nil
        #expect(TraceField.received(reception).hasPrefix("Received: from [192.0.2.9] by mx"))
        reception.clientAddress = "2001:db8::1"
        #expect(TraceField.received(reception).contains("from [192.0.2.9] ([IPv6:2001:db8::1])"))
    }

    @Test func receivedIsFoldedHoweverLongItsParts() {
        var reception = reception
        reception.clientName = String(repeating: "a.", count: 120) + "example"
        for line in TraceField.received(reception).split(separator: "\r\n") {
            #expect(line.utf8.count <= 78 || line.contains("a.a.a."))
            #expect(line.hasPrefix(" ") || line.hasPrefix("Received: "))
        }
    }

    @Test func returnPath() throws {
        #expect(TraceField.returnPath(.null) == "Return-Path: <>\r\n")
        let address = try #require(MailAddress("\"a b\"@example.org"))
        #expect(
            TraceField.returnPath(.address(address)) == "Return-Path: <\"a b\"@example.org>\r\n")
    }
}
