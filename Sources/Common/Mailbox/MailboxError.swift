// SPDX-License-Identifier: Apache-2.0

/// Why an entry could not be put into its mailbox; it stays in the queue and is tried again.
package enum MailboxError: Error, Equatable, CustomStringConvertible {
    /// The mailbox is the trouble: no other entry for it will fare better now.
    case mailbox(SystemError)
    /// The entry is the trouble, such as a bad sector under it; others may be delivered.
    case entry(SystemError)
    /// Another process is copying this entry just now.
    case busy

    /// Why, without naming the entry: the same for all entries that meet the same trouble.
    package var reason: String {
        switch self {
        case .mailbox(let error), .entry(let error): "\(error.call): \(error.reason)"
        case .busy: description
        }
    }

    package var description: String {
        switch self {
        case .mailbox(let error), .entry(let error): error.description
        case .busy: "another process is copying it"
        }
    }
}
