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
        let edited = MaildirName(id: Self.id, host: "mx.example.test", size: nil)
        #expect(edited.text == "\(Self.id).mx.example.test")
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

    @Test func keepsAForeignUniqueID() {
        let id = "00000007.M1,S=5:x/%"
        let name = MaildirName(
            id: Self.id, host: "mx.example.test", size: 12, uniqueID: id, flags: "S")
        #expect(
            name?.text == "\(Self.id).mx.example.test,S=12,U=00000007.M1%2CS=5%3Ax%2F%25:2,S")
        #expect(name?.queueID == Self.id && name?.size == 12 && name?.keptUniqueID == id)
        let long = MaildirName(
            id: Self.id, host: String(repeating: "h", count: 253), size: 12,
            uniqueID: String(repeating: "a", count: 70))
        #expect(long?.text.utf8.count == 233)
        for none in ["", "two words", "\u{7F}", "é", String(repeating: "a", count: 71)] {
            #expect(
                MaildirName(id: Self.id, host: "h", size: 1, uniqueID: none) == nil)
        }
        // 70 octets that all must be escaped leave no room for the rest.
        #expect(
            MaildirName(
                id: Self.id, host: "h", size: 1, uniqueID: String(repeating: ":", count: 70))
                == nil)
    }

    @Test func uniqueIDsHaveOneText() {
        let every = Array<UInt8>(0x21...0x7E)
        for part in [every.prefix(50), every.suffix(50)] {
            let text = KeptUniqueID.encode(part)
            #expect(text.flatMap { KeptUniqueID.decode($0.utf8) } == Array(part))
        }
        for none in ["", "%", "%2", "%2f", "%41", "a:b", "a/b", "a,b", "a b", "\u{7F}", "%GG"] {
            #expect(KeptUniqueID.decode(none.utf8) == nil, "\(none)")
        }
    }

    @Test(arguments: [
        ("a/b:c,d", "a_b_c_d"), ("", "localhost"), ("é", "__"), ("..", ".."),
        (String(repeating: "h", count: 253), String(repeating: "h", count: 128)),
    ]) func hostsCannotSpoilNames(host: String, part: String) {
        #expect(MaildirName.hostPart(host) == part)
    }
}
