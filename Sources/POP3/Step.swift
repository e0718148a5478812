// SPDX-License-Identifier: Apache-2.0
package import Mail

/// What the conversation is to do next.
package enum Step: Equatable, Sendable {
    /// Read, and hand the bytes to ``Session/receive(_:)-(Span<UInt8>)``.
    case wait
    /// Send these.
    case send([UInt8])
    /// Send what is pending, shake hands, then call ``Session/secured()``.
    case startTLS
    /// Find out whether they are right and open the mailbox; answer with ``Session/admit(_:)`` or
    /// ``Session/refuse(_:)``.
    case logIn(Credentials)
    /// Send a message; answer with ``Session/retrieved()`` or ``Session/notRetrieved(isGone:)``.
    case retrieve(Retrieval)
    /// Delete the messages at these indexes; answer with ``Session/deleted(except:)``.
    case delete([Int])
    /// Send what is pending, then close.
    case close
}

/// A message that the client is to get.
package struct Retrieval: Equatable, Sendable {
    /// Its place in the maildrop, from 0.
    package let index: Int
    /// How many lines of the body after the header (TOP); nil for the whole message.
    package let bodyLines: Int?
    /// To be sent before the message, once it is open.
    package let heading: [UInt8]
}

/// Why a login leads to no mailbox.
package enum LoginRefusal: Equatable, Sendable {
    /// The name or the password is wrong.
    case wrong
    /// Another session has the mailbox; says which, if it is known.
    case inUse(holder: String?)
    /// Not now: the client tries too often. The session ends.
    case tooOften(seconds: Int)
    /// Not now, for a reason of the service. The session ends.
    case blocked(reason: String, seconds: Int)
    /// Trouble of ours that will pass.
    case temporary
    /// Trouble of ours that somebody must repair.
    case permanent
}

/// What a session is told about its place.
package struct SessionSettings: Equatable, Sendable {
    /// For the greeting.
    package var hostName: String
    /// The connection is under TLS from its first byte.
    package var isSecure: Bool
    /// There is a certificate for STLS.
    package var offersTLS: Bool
    /// A password may come without TLS, because the operator trusts this client's network.
    package var allowsPlainLogin: Bool
    /// So many lines that are no commands end the session; 0 for no limit.
    package var commandErrorLimit: Int
    /// Seconds that must lie between two logins, to be announced (RFC 2449 §6.5); 0 for none.
    package var loginDelay: Int

    package init(
        hostName: String, isSecure: Bool = false, offersTLS: Bool = true,
        allowsPlainLogin: Bool = false, commandErrorLimit: Int = 0, loginDelay: Int = 0
    ) {
        self.hostName = hostName
        self.isSecure = isSecure
        self.offersTLS = offersTLS
        self.allowsPlainLogin = allowsPlainLogin
        self.commandErrorLimit = commandErrorLimit
        self.loginDelay = loginDelay
    }
}
