// SPDX-License-Identifier: Apache-2.0

/// What a worker asks or tells authd.
///
/// `client` is always the text of an IP address without port, `service` a word for the log (`smtp`,
/// `submission`, `pop3` …), `group` the user group of the listener that the client came to.
package enum AccountQuestion: Equatable, Sendable {
    /// May this client come in?
    ///
    /// Answers: `.allowed`, and the connection counts until `.disconnected` or the worker's end;
    /// `.blocked`, and it does not count.
    case connection(client: String, service: String)
    /// An admitted connection is over and made so many command errors; has no answer.
    case disconnected(client: String, service: String, commandErrors: Int)
    /// Connections that an earlier authd admitted are still open; has no answer.
    ///
    /// `AccountClient` sends it by itself when authd was restarted.
    case present(client: String, connections: Int)
    /// Is this the password of a user, named `user` or `user@domain` with a domain of the group?
    ///
    /// Answers: `.account`, `.wrongPassword` (also for an unknown user: nobody can tell which),
    /// `.blocked`.
    case login(group: String, user: String, password: [UInt8], client: String, service: String)
    /// Who gets mail for this address? The local part is given without quoting; an empty domain stands for
    /// the group's first one, as in `RCPT TO:<postmaster>`.
    ///
    /// Answers: `.recipients`, `.notLocal` (the domain is not the group's), `.unknown`,
    /// `.notReceiving`.
    case recipient(group: String, localPart: String, domain: String)
    /// Is this domain one of the group's?
    ///
    /// Answers: `.local`, `.notLocal`.
    case domain(group: String, name: String)
    /// May this account's login use the address as envelope sender and in From?
    ///
    /// Answers: `.allowed`, `.notAllowed`.
    case sender(group: String, user: String, localPart: String, domain: String)
    /// May this account's login send one more message, to so many recipients, within its hourly limits?
    ///
    /// Ask once per message, when its recipients are known and before its data are taken.
    /// Answers: `.allowed`, and the message is counted; `.limited`, and it is not; `.notAllowed` when the
    /// account is gone.
    case charge(group: String, user: String, recipients: Int)

    /// Whether authd answers; the others are only told.
    package var hasAnswer: Bool {
        switch self {
        case .disconnected, .present: false
        default: true
        }
    }
}

/// A password is in no text that is made of a question, whoever prints it.
extension AccountQuestion: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    package var description: String {
        switch self {
        case .connection(let client, let service): "connection \(client) \(service)"
        case .disconnected(let client, let service, let errors):
            "disconnected \(client) \(service) \(errors)"
        case .present(let client, let count): "present \(client) \(count)"
        case .login(let group, let user, _, let client, let service):
            "login \(group) \(user) (password) \(client) \(service)"
        case .recipient(let group, let localPart, let domain):
            "recipient \(group) \(localPart)@\(domain)"
        case .domain(let group, let name): "domain \(group) \(name)"
        case .sender(let group, let user, let localPart, let domain):
            "sender \(group) \(user) \(localPart)@\(domain)"
        case .charge(let group, let user, let recipients): "charge \(group) \(user) \(recipients)"
        }
    }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: []) }
}
