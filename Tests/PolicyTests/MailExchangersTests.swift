// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import Testing

@testable import Policy

@Suite struct MailExchangersTests {
    typealias Answer = Result<[MailExchangers.Record], ResolverError>

    static func exchangers(_ answer: Answer, own: Set<String> = []) throws -> MailExchangers {
        var generator = SystemRandomNumberGenerator()
        return MailExchangers(
            of: try #require(Domain("Y.test")), answer,
            isOurselves: { own.contains($0.lowercased()) }, using: &generator)
    }

    static func status(_ exchangers: MailExchangers) -> String? {
        guard case .none(let outcome) = exchangers else { return nil }
        return "\(outcome.result) \(outcome.status)"
    }

    @Test func byPreference() throws {
        let records: [MailExchangers.Record] = [
            (30, "c.test"), (10, "A.test"), (20, "b.test"), (65_535, "d.test"), (40, "a.test"),
        ]
        #expect(
            try Self.exchangers(.success(records))
                == .servers(["a.test", "b.test", "c.test", "d.test"]))
    }

    @Test func equalOnesInEveryOrder() throws {
        let records: [MailExchangers.Record] = [
            (10, "a.test"), (10, "b.test"), (10, "c.test"), (5, "first.test"),
        ]
        var seen: Set<[String]> = []
        for _ in 0..<300 {
            guard case .servers(let names) = try Self.exchangers(.success(records)) else { break }
            #expect(names.first == "first.test" && Set(names).count == 4)
            seen.insert(names)
        }
        #expect(seen.count == 6)
    }

    @Test(
        arguments: [
            // Our preference, and who is left.
            (UInt16(5), []), (10, []), (15, ["a.test"]), (20, ["a.test"]),
            (25, ["a.test", "b.test"]),
        ] as [(UInt16, [String])])
    func cutsAtOurselves(preference: UInt16, left: [String]) throws {
        let records: [MailExchangers.Record] = [
            (10, "a.test"), (20, "b.test"), (preference, "Our.test"),
        ]
        let result = try Self.exchangers(.success(records), own: ["our.test"])
        if left.isEmpty {
            #expect(Self.status(result) == "permanent 5.4.6")
        } else {
            #expect(result == .servers(left))
        }
    }

    @Test func noServers() throws {
        #expect(try Self.exchangers(.failure(.noRecord)) == .servers(["y.test"]))
        #expect(
            Self.status(try Self.exchangers(.failure(.noRecord), own: ["y.test"]))
                == "permanent 5.4.6")
        #expect(Self.status(try Self.exchangers(.failure(.noSuchName))) == "permanent 5.1.2")
        #expect(
            Self.status(try Self.exchangers(.failure(.temporary("SERVFAIL")))) == "temporary 4.4.3")
        #expect(Self.status(try Self.exchangers(.success([(0, "")]))) == "permanent 5.1.10")
        // A root beside others is no null MX (RFC 7505 §3).
        #expect(
            try Self.exchangers(.success([(0, ""), (10, "a.test")])) == .servers(["a.test"]))
        #expect(
            Self.status(try Self.exchangers(.success([(0, ""), (1, "")]))) == "temporary 4.4.4")
    }

    @Test(arguments: [
        (true, [ResolverError.noSuchName], "permanent 5.1.2"),
        (true, [.noRecord], "permanent 5.1.2"),
        (false, [.noSuchName, .noRecord], "temporary 4.4.4"),
        (true, [.temporary("x")], "temporary 4.4.3"),
        (false, [.noSuchName, .temporary("x")], "temporary 4.4.3"),
    ])
    func serversWithoutAddress(isImplicit: Bool, errors: [ResolverError], status: String) throws {
        let outcome = MailExchangers.outcome(
            of: try #require(Domain("y.test")), isImplicit: isImplicit, withoutAddress: errors)
        #expect("\(outcome.result) \(outcome.status)" == status)
    }
}
