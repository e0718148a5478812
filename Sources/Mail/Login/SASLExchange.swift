// SPDX-License-Identifier: Apache-2.0

/// The server's side of one SASL login (RFC 4422), for SMTP's AUTH (RFC 4954) and POP3's (RFC 5034).
///
/// The protocols differ only in how they frame a challenge (`334 ` or `+ `); what stands in the lines is here.
package struct SASLExchange: Equatable, Sendable {
    /// A way to log in.
    package enum Mechanism: String, CaseIterable, Sendable {
        /// RFC 4616.
        case plain = "PLAIN"
        /// draft-murchison-sasl-login: never a standard, and the only one that old Outlooks speak.
        case login = "LOGIN"

        /// The mechanism of that name, in any case (RFC 4422 §3.1 wants upper; clients differ).
        package init?(name: some Collection<UInt8>) {
            let upper = String(decoding: name, as: UTF8.self).uppercased()
            self.init(rawValue: upper)
        }
    }

    /// What to do next.
    package enum Step: Equatable, Sendable {
        /// Send this, which is base64 already, and hand the client's next line to ``receive(_:)``.
        case challenge([UInt8])
        /// The exchange is over: are these right?
        case credentials(Credentials)
        /// The exchange is over: no login.
        case refused(SASLError)
    }

    /// The longest line of an exchange, its CRLF included (RFC 4954 §4: 12288 octets of base64).
    package static let lineLimit = 12_290

    private enum State: Equatable, Sendable {
        case plain
        case loginName
        case loginPassword(user: [UInt8])
        case over
    }

    private var state: State

    /// Before the first step.
    package init(_ mechanism: Mechanism) {
        switch mechanism {
        case .plain: state = .plain
        case .login: state = .loginName
        }
    }

    /// The first step, with what followed the mechanism's name in the command, if anything did.
    ///
    /// - Parameter initialResponse: Base64; a single `=` stands for an empty one (RFC 4954 §4, RFC 5034 §4).
    /// - Returns: A challenge, or the end.
    package mutating func begin(initialResponse: [UInt8]? = nil) -> Step {
        guard let initialResponse else { return challenge }
        guard !initialResponse.isEmpty else { return refuse(.badBase64) }
        return initialResponse == [UInt8(ascii: "=")]
            ? decoded([]) : receive(initialResponse)
    }

    /// The step after a line of the client.
    ///
    /// - Parameter line: Base64, or `*` to give up.
    /// - Returns: A challenge, or the end.
    package mutating func receive(_ line: [UInt8]) -> Step {
        if line == [UInt8(ascii: "*")] { return refuse(.cancelled) }
        guard let response = Base64.decode(line) else { return refuse(.badBase64) }
        return decoded(response)
    }

    private mutating func decoded(_ response: [UInt8]) -> Step {
        switch state {
        case .plain: return finishPlain(response)
        case .loginName:
            guard !response.isEmpty else { return refuse(.malformed) }
            state = .loginPassword(user: response)
            return challenge
        case .loginPassword(let user):
            return finish(Credentials(user: user, password: response))
        case .over: return refuse(.malformed)
        }
    }

    /// `[authzid] NUL authcid NUL passwd` (RFC 4616 §2).
    private mutating func finishPlain(_ response: [UInt8]) -> Step {
        let parts = response.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return refuse(.malformed) }
        // Nobody may act for somebody else; naming oneself is allowed and common.
        guard parts[0].isEmpty || parts[0] == parts[1] else { return refuse(.foreignIdentity) }
        return finish(Credentials(user: parts[1], password: parts[2]))
    }

    private mutating func finish(_ credentials: Credentials?) -> Step {
        guard let credentials else { return refuse(.malformed) }
        state = .over
        return .credentials(credentials)
    }

    private mutating func refuse(_ error: SASLError) -> Step {
        state = .over
        return .refused(error)
    }

    private var challenge: Step {
        switch state {
        case .loginName: .challenge(Base64.encode("Username:".utf8))
        case .loginPassword: .challenge(Base64.encode("Password:".utf8))
        case .plain, .over: .challenge([])
        }
    }
}

/// Why a SASL exchange ended without credentials.
package enum SASLError: Error, Equatable, Sendable {
    /// The client sent `*`.
    case cancelled
    /// Not base64 as RFC 4648 §4 has it.
    case badBase64
    /// Not what the mechanism asks for, or a user name or password that nobody can have.
    case malformed
    /// The client asked to act for another user.
    case foreignIdentity
}

/// No print, dump or failed test shows what was exchanged.
extension SASLExchange: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "SASL exchange" }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension SASLExchange.Step: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    package var description: String {
        switch self {
        case .challenge: "challenge"
        case .credentials(let credentials): "\(credentials)"
        case .refused(let error): "refused: \(error)"
        }
    }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: []) }
}
