// SPDX-License-Identifier: Apache-2.0

/// What became of one recipient in one attempt.
package struct Outcome: Equatable, Sendable {
    /// Whether it went, may go later, or never will.
    package enum Result: String, CaseIterable, Sendable {
        /// The next server has taken responsibility.
        case accepted
        case temporary
        case permanent
    }

    /// How far the attempt had come.
    package enum Stage: String, CaseIterable, Sendable {
        /// Finding out where to.
        case routing
        /// Connecting, greeting, EHLO, TLS, AUTH: nothing that was about this message.
        case connection, greeting, hello, tls, login
        case mail, recipient, data, endOfData

        /// Whether the trouble is the peer's or the way's, so that another host may do better.
        package var concernsHost: Bool {
            switch self {
            case .connection, .greeting, .hello, .tls, .login: true
            case .routing, .mail, .recipient, .data, .endOfData: false
            }
        }
    }

    package var result: Result
    package var status: EnhancedStatus
    package var stage: Stage
    /// The remote server's reply, or what went wrong here.
    package var text: String
    /// Whether `text` is what the remote server said.
    package var isRemote: Bool
    /// The connection was lost after the final dot: the server may have taken the message all the same.
    package var mayBeDuplicate: Bool

    package init(
        _ result: Result, _ status: EnhancedStatus, at stage: Stage, _ text: String,
        isRemote: Bool = false, mayBeDuplicate: Bool = false
    ) {
        self.result = result
        self.status = status
        self.stage = stage
        self.text = text
        self.isRemote = isRemote
        self.mayBeDuplicate = mayBeDuplicate
    }
}
