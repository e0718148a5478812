// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct SASLExchangeTests {
    enum End: Equatable, Sendable {
        case credentials(user: String, password: String)
        case refused(SASLError)
        case challenge
    }

    typealias Row = (mechanism: SASLExchange.Mechanism, initial: String?, lines: [String], end: End)

    static let tim = End.credentials(user: "tim", password: "tanstaaftanstaaf")

    static let rows: [Row] = [
        (.plain, base64("\0tim\0tanstaaftanstaaf"), [], tim),
        (.plain, base64("tim\0tim\0tanstaaftanstaaf"), [], tim),
        (.plain, nil, [base64("\0tim\0tanstaaftanstaaf")], tim),
        (.plain, base64("root\0tim\0tanstaaftanstaaf"), [], .refused(.foreignIdentity)),
        (
            .plain, base64("\0Jürgen\0pass wörd"), [],
            .credentials(user: "Jürgen", password: "pass wörd")
        ),
        (.plain, nil, ["*"], .refused(.cancelled)),
        (.plain, "*", [], .refused(.cancelled)),
        (.plain, "=", [], .refused(.malformed)),
        (.plain, "", [], .refused(.badBase64)),
        (.plain, nil, [""], .refused(.malformed)),
        (.plain, "AHRpbQ", [], .refused(.badBase64)),
        (.plain, nil, ["!!!!"], .refused(.badBase64)),
        (.plain, base64("tim\0tanstaaftanstaaf"), [], .refused(.malformed)),
        (.plain, base64("\0tim\0tan\0staaf"), [], .refused(.malformed)),
        (.plain, base64("\0tim\0"), [], .refused(.malformed)),
        (.plain, base64("\0\0password"), [], .refused(.malformed)),
        (.plain, base64("\0ti\r\nm\0password"), [], .refused(.malformed)),
        (.plain, nil, [], .challenge),
        (.login, nil, [base64("tim"), base64("tanstaaftanstaaf")], tim),
        (.login, base64("tim"), [base64("tanstaaftanstaaf")], tim),
        (.login, "=", [], .refused(.malformed)),
        (.login, nil, [base64("tim"), "*"], .refused(.cancelled)),
        (.login, nil, ["*"], .refused(.cancelled)),
        (.login, nil, [base64("tim"), base64("tan\0staaf")], .refused(.malformed)),
        (.login, nil, [base64("tim"), ""], .refused(.malformed)),
        (.login, nil, [""], .refused(.malformed)),
        (.login, nil, ["dGlt=", base64("x")], .refused(.badBase64)),
        (.login, nil, [base64("tim")], .challenge),
    ]

    @Test(arguments: rows) func exchange(_ row: Row) {
        var exchange = SASLExchange(row.mechanism)
        var step = exchange.begin(initialResponse: row.initial.map { bytes($0) })
        for line in row.lines where isChallenge(step) {
            step = exchange.receive(bytes(line))
        }
        #expect(end(of: step) == row.end)
    }

    @Test func challengesAreWhatClientsWaitFor() {
        var plain = SASLExchange(.plain)
        #expect(plain.begin() == .challenge([]))
        var login = SASLExchange(.login)
        #expect(login.begin() == .challenge(bytes("VXNlcm5hbWU6")))
        #expect(login.receive(bytes(base64("tim"))) == .challenge(bytes("UGFzc3dvcmQ6")))
    }

    @Test func invalidUTF8IsNoUserName() {
        #expect(Credentials(user: [0xFF, 0xFE], password: bytes("x")) == nil)
        #expect(Credentials(user: bytes("a\u{85}b"), password: bytes("x")) == nil)
    }

    @Test func mechanismsByName() {
        #expect(SASLExchange.Mechanism(name: bytes("plain")) == .plain)
        #expect(SASLExchange.Mechanism(name: bytes("LOGIN")) == .login)
        #expect(SASLExchange.Mechanism(name: bytes("CRAM-MD5")) == nil)
    }

    @Test func nothingPrintsThePassword() throws {
        let credentials = try #require(
            Credentials(user: bytes("tim"), password: bytes("tanstaaf")))
        var exchange = SASLExchange(.login)
        _ = exchange.begin(initialResponse: bytes(base64("tim")))
        var text = "\(credentials) \(String(reflecting: credentials)) \(exchange) "
        text += "\(SASLExchange.Step.credentials(credentials)) \(String(reflecting: exchange)) "
        dump(credentials, to: &text)
        dump(SASLExchange.Step.credentials(credentials), to: &text)
        dump(exchange, to: &text)
        #expect(!text.contains("tanstaaf"))
        #expect(!text.contains("116, 97, 110"))
        #expect(text.contains("tim"))
    }

    private static func base64(_ text: String) -> String {
        String(decoding: Base64.encode(text.utf8), as: UTF8.self)
    }

    private func base64(_ text: String) -> String { Self.base64(text) }

    private func isChallenge(_ step: SASLExchange.Step) -> Bool {
        if case .challenge = step { true } else { false }
    }

    private func end(of step: SASLExchange.Step) -> End {
        switch step {
        case .challenge: .challenge
        case .credentials(let credentials):
            .credentials(
                user: credentials.user,
                password: String(decoding: credentials.password, as: UTF8.self))
        case .refused(let error): .refused(error)
        }
    }
}
