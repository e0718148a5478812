// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@testable import Common

@Suite struct MaildirNameTests {
    static let id = QueueID(microseconds: 5, random: 6)

    @Test func isWrittenAsDocumented() {
        let name = MaildirName(id: Self.id, host: "mx.example.test", size: 12)
        #expect(name.text == "\(Self.id).mx.example.test,S=12")
        #expect(name.queueID == Self.id && name.size == 12 && name.flags.isEmpty)
    }

    static let names: [(String, String, String, Int?, QueueID?)] = [
        ("\(id).h,S=7:2,RS", "\(id).h,S=7", "RS", 7, id),
        ("\(id).h,S=7:2,", "\(id).h,S=7", "", 7, id),
        (
            "1204680122.27c448.host,S=900,W=920:2,S", "1204680122.27c448.host,S=900,W=920", "S",
            900, nil
        ),
        ("1204680122.M20P1.host:2,S", "1204680122.M20P1.host", "S", nil, nil),
        ("1204680122.M20P1.host:1,x", "1204680122.M20P1.host", "", nil, nil),
        ("x,W=1,S=5", "x,W=1,S=5", "", 5, nil),
        ("x,S=-5", "x,S=-5", "", nil, nil),
        ("x,S=", "x,S=", "", nil, nil),
        ("\(id)", "\(id)", "", nil, nil),
        ("\(id)x.h", "\(id)x.h", "", nil, nil),
        ("", "", "", nil, nil),
    ]

    @Test(arguments: names) func reads(
        text: String, base: String, flags: String, size: Int?, id: QueueID?
    ) {
        let name = MaildirName(text)
        #expect(name.base == base && name.flags == flags && name.size == size && name.queueID == id)
    }

    @Test(arguments: [
        ("a/b:c,d", "a_b_c_d"), ("", "localhost"), ("é", "__"), ("..", ".."),
        (String(repeating: "h", count: 253), String(repeating: "h", count: 128)),
    ]) func hostsCannotSpoilNames(host: String, part: String) {
        #expect(MaildirName.hostPart(host) == part)
    }
}
