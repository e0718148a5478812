// SPDX-License-Identifier: Apache-2.0
import Mail
@testable import pop3d
import Testing

@Suite struct MessageNameTests {
    static let id = QueueID(microseconds: 1_795_000_000_123_456, random: 7)

    struct Row: Sendable {
        let name: String
        var arrival: UInt64 = 0
        var isOurs = false
        var size: Int?
        var base: String
        var uniqueID: String?
        var kept: String?
    }

    static let rows: [Row] = [
        Row(
            name: "\(id).mail.example.test,S=123", arrival: id.microseconds, isOurs: true,
            size: 123, base: "\(id).mail.example.test,S=123", uniqueID: "\(id)"),
        Row(
            name: "\(id).h,S=0:2,RS", arrival: id.microseconds, isOurs: true, size: 0,
            base: "\(id).h,S=0", uniqueID: "\(id)"),
        Row(
            name: "\(id).h,S=100,W=105", arrival: id.microseconds, isOurs: true, size: 105,
            base: "\(id).h,S=100,W=105", uniqueID: "\(id)"),
        Row(
            name: "\(id).h,S=5,U=a%2Cb:2,S", arrival: id.microseconds, isOurs: true, size: 5,
            base: "\(id).h,S=5,U=a%2Cb", uniqueID: "\(id)", kept: "a%2Cb"),
        Row(
            name: "\(id).h,,X=,S=,S=7,U=,U=x,U=y", arrival: id.microseconds, isOurs: true, size: 7,
            base: "\(id).h,,X=,S=,S=7,U=,U=x,U=y", uniqueID: "\(id)", kept: "x"),
        Row(
            name: "1700000000.a.host,U=x", arrival: 1_700_000_000_000_000,
            base: "1700000000.a.host,U=x", uniqueID: "1700000000.a.host"),
        Row(
            name: "\(id).h,S=12x", arrival: id.microseconds, isOurs: true, base: "\(id).h,S=12x",
            uniqueID: "\(id)"),
        Row(
            name: "\(id).h", arrival: id.microseconds, isOurs: true, base: "\(id).h",
            uniqueID: "\(id)"),
        Row(
            name: "1700000000.M123456P789.host,S=100,W=105:2,S", arrival: 1_700_000_000_123_456,
            size: 105, base: "1700000000.M123456P789.host,S=100,W=105",
            uniqueID: "1700000000.M123456P789.host"),
        Row(
            name: "1700000000.V801I2.host", arrival: 1_700_000_000_000_000,
            base: "1700000000.V801I2.host", uniqueID: "1700000000.V801I2.host"),
        Row(
            name: "1700000000.M5P1.host,S=10", arrival: 1_700_000_000_000_005,
            base: "1700000000.M5P1.host,S=10", uniqueID: "1700000000.M5P1.host"),
        Row(name: "letter", base: "letter", uniqueID: "letter"),
        Row(name: "two words", base: "two words"),
        Row(name: "gr\u{FC}n:2,", base: "gr\u{FC}n"),
        Row(name: ",S=5", base: ",S=5"),
        Row(
            name: String(repeating: "a", count: 70), base: String(repeating: "a", count: 70),
            uniqueID: String(repeating: "a", count: 70)),
        Row(name: String(repeating: "a", count: 71), base: String(repeating: "a", count: 71)),
    ]

    @Test(arguments: rows) func read(_ row: Row) throws {
        let octets = Array(row.name.utf8)
        let name = try #require(octets.withUnsafeBufferPointer { MessageName($0) })
        #expect(name.arrival == row.arrival)
        #expect(name.isOurs == row.isOurs)
        #expect(name.size == row.size)
        #expect(octets.prefix(name.baseLength) == Array(row.base.utf8)[...])
        #expect(
            name.keptID.map { octets[$0] } == row.kept.map { Array($0.utf8)[...] })
        #expect(
            name.uniqueIDLength.map { octets.prefix($0) }
                == row.uniqueID.map { Array($0.utf8)[...] })
    }

    @Test(arguments: ["", ".", "..", ".hidden", ".nfs0001"]) func noMessages(_ name: String) {
        #expect(Array(name.utf8).withUnsafeBufferPointer { MessageName($0) } == nil)
    }

    @Test func hashedIDsAreUniqueIDs() {
        let one = MessageName.hashedID("two words".utf8)
        #expect(one == MessageName.hashedID("two words".utf8))
        #expect(one != MessageName.hashedID("two wordt".utf8))
        #expect(one.count == 28)
    }
}
