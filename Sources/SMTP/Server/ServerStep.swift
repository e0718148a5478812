// SPDX-License-Identifier: Apache-2.0
package import Mail

/// What the conversation shall do next for a session.
package enum ServerStep: Equatable, Sendable {
    /// Receive more, for so long as that patience lasts.
    case wait(Patience)
    /// Send this; with the next wait at the latest.
    case send(Reply)
    /// Find out and ``ServerSession/answer(_:)-(Verdict)`` it.
    case ask(Question)
    /// Send what is pending, shake hands, and call ``ServerSession/tlsStarted(_:)``; or close.
    case startTLS
    /// Make a draft and answer whether the message is taken.
    ///
    /// Comes when the header is whole, before any of it was handed out.
    case begin(Envelope, HeaderFacts)
    /// Add octets of the message to the draft; the header is in the first.
    case append([UInt8])
    /// Make the draft durable and say ``ServerSession/answer(queued:)`` or ``ServerSession/fail(_:)``.
    case commit(ContentFacts)
    /// Drop the draft.
    case discard
    /// Send what is pending and close.
    case close
}

/// How long to wait for the client (RFC 5321 §4.5.3.2.7).
package enum Patience: Equatable, Sendable {
    /// It has not yet said HELO or EHLO.
    case greeting
    /// For the next command.
    case command
    /// For a line of a login.
    case login
    /// For more of a message.
    case dataBlock
}

/// What a session cannot know by itself.
package enum Question: Equatable, Sendable {
    /// May this client come in?
    case client
    /// Is this the right password? Answered with ``ServerSession/answer(_:)-(LoginOutcome)``.
    case credentials(Credentials, SASLExchange.Mechanism)
    /// May this sender be used, by this login if there is one?
    case sender(ReversePath, login: String?)
    /// Does mail for this recipient go anywhere?
    case recipient(Recipient)
}

/// The answer to all questions but the one about credentials, and to ``ServerStep/begin(_:_:)``.
package enum Verdict: Equatable, Sendable {
    case accepted
    /// With a 4yz or 5yz; a 421 ends the session.
    case refused(Reply)
}

/// What became of a login.
package enum LoginOutcome: Equatable, Sendable {
    /// As that account.
    case succeeded(String)
    /// Unknown user or wrong password: nobody is told which.
    case failed
    /// It could not be found out.
    case unavailable
    /// For another reason; a 421 ends the session.
    case refused(Reply)
}

/// Why a session ends that the client did not end.
package enum Ending: Equatable, Sendable {
    /// The patience of the last wait is over.
    case timedOut
    /// The server stops.
    case shuttingDown
    /// Nothing can be sent any more.
    case connectionLost
}

/// What is known of a message when it has come in whole.
package struct ContentFacts: Equatable, Sendable {
    package var octets = 0
    /// Octets of the longest line without CRLF.
    package var longestLine = 0
    /// Cannot go to a server without 8BITMIME, whatever the client declared.
    package var has8Bit = false
    package var hasNUL = false

    package init() {}
}
