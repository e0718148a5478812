// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

struct DNSMessageTests {
    /// An answer with these records after the question for `x.test`.
    static func answer(
        _ records: [[UInt8]], flags: [UInt8] = [0x81, 0x80], type: UInt8 = 15
    ) -> [UInt8] {
        let head: [UInt8] = [0x12, 0x34] + flags + [0, 1, 0, UInt8(records.count), 0, 0, 0, 0]
        let question: [UInt8] = [1, 0x58, 4, 0x74, 0x65, 0x73, 0x74, 0, 0, type, 0, 1]
        return head + question + records.flatMap { $0 }
    }

    /// A record whose name points at the question's.
    static func record(_ type: UInt8, _ data: [UInt8], seconds: [UInt8] = [0, 0, 1, 0]) -> [UInt8] {
        [0xC0, 12, 0, type, 0, 1] + seconds + [0, UInt8(data.count)] + data
    }

    @Test func asks() throws {
        let query = try #require(DNSMessage.query(id: 0x1234, name: "x.Test.", type: .mx))
        #expect(query.prefix(12) == [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1])
        #expect(query[12...].starts(with: [1, 0x78, 4, 0x54, 0x65, 0x73, 0x74, 0, 0, 15, 0, 1]))
        let label = String(repeating: "a", count: 64)
        for name in ["", ".", "a b", label, "ü.test", String(repeating: "a.", count: 200)] {
            #expect(DNSMessage.query(id: 1, name: name, type: .a) == nil, "\(name)")
        }
    }

    @Test func readsExchangers() throws {
        let bytes = Self.answer([
            Self.record(15, [0, 10, 2, 0x6D, 0x78, 0xC0, 12]), Self.record(15, [0, 0, 0]),
            Self.record(99, [1, 2]), Self.record(1, [192, 0, 2, 1]),
        ])
        let response = try #require(DNSMessage.response(bytes))
        #expect(response.id == 0x1234 && response.code == 0 && !response.isTruncated)
        #expect(response.name == "x.test" && response.type == 15)
        #expect(
            response.answers.map(\.value) == [
                .mailExchanger(preference: 10, host: "mx.x.test"),
                .mailExchanger(preference: 0, host: ""), .address([192, 0, 2, 1]),
            ])
        #expect(response.answers.allSatisfy { $0.timeToLive == 256 && $0.name == "x.test" })
    }

    @Test func readsTextsAndPointers() throws {
        let bytes = Self.answer([
            Self.record(16, [2, 0x76, 0x3D, 1, 0x73]), Self.record(12, [2, 0x6D, 0x78, 0xC0, 12]),
            Self.record(16, [0]),
        ])
        #expect(
            DNSMessage.response(bytes)?.answers.map(\.value) == [
                .text("v=s"), .pointer("mx.x.test"), .text(""),
            ])
    }

    /// Short records, pointers that loop or point forwards, counts that lie.
    static let broken: [[UInt8]] = [
        [], [0x12, 0x34], answer([], flags: [0x01, 0x00]), answer([record(15, [0])]),
        answer([record(15, [0, 10])]), answer([record(15, [0, 10, 0xC0, 200])]),
        answer([record(15, [0, 10, 2, 0x6D])]), answer([record(1, [1, 2, 3])]),
        answer([record(28, [1, 2, 3, 4])]), answer([[0xC0, 24, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]]),
        answer([record(16, [2, 0x61])]), answer([record(5, [1, 0x2E, 0])]),
        answer([record(5, [0x40, 0])]),
        answer([Array(record(15, [0, 10, 0]).dropLast())]),
    ]

    @Test(arguments: broken)
    func refuses(_ bytes: [UInt8]) {
        #expect(DNSMessage.response(bytes) == nil)
    }

    @Test func aTruncatedAnswerMayEndAnywhere() throws {
        let whole = Self.answer([Self.record(1, [1, 2, 3, 4])], flags: [0x83, 0x80])
        let response = try #require(DNSMessage.response(whole.dropLast(2)))
        #expect(response.isTruncated && response.answers.isEmpty)
    }

    @Test func survivesNoise() {
        var generator = SystemRandomNumberGenerator()
        let whole = Self.answer([Self.record(15, [0, 10, 2, 0x6D, 0x78, 0xC0, 12])])
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255)
            }
            _ = DNSMessage.response(Array(bytes.prefix(.random(in: 0...bytes.count))))
        }
    }
}
