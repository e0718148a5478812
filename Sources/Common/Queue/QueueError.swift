// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why a message could not be queued; nothing of it is left that could be delivered, and trying again later is right.
package enum QueueError: Error, Equatable, CustomStringConvertible {
    /// No room: ENOSPC or EDQUOT; the client hears 452 4.3.1.
    case storageFull(SystemError)
    /// Anything else; the client hears 451 4.3.0.
    case trouble(SystemError)
    /// The account's name does not fit in an entry's; configuration should have refused it.
    case unnameable(AccountName)

    /// Sorts a failed system call.
    package init(_ error: SystemError) {
        self =
            error.code == ENOSPC || error.code == EDQUOT
            ? .storageFull(error) : .trouble(error)
    }

    /// The call that failed, if one did.
    package var systemError: SystemError? {
        switch self {
        case .storageFull(let error), .trouble(let error): error
        case .unnameable: nil
        }
    }

    /// Why, without naming a file: the same for all messages that meet the same trouble.
    package var reason: String { systemError?.reason ?? "the account's name is too long" }

    package var description: String {
        switch self {
        case .storageFull(let error), .trouble(let error): error.description
        case .unnameable(let account): "the account's name is too long for the queue: \(account)"
        }
    }
}
