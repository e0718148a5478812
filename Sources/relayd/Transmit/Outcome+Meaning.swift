// SPDX-License-Identifier: Apache-2.0
import Mail

extension Outcome {
    nonisolated static var stopping: Outcome {
        Outcome(.temporary, .shuttingDown, at: .connection, "the worker stops")
    }

    /// 452 or 552 to RCPT: this one, in the next transaction.
    nonisolated var isTooManyRecipients: Bool {
        result == .temporary && stage == .recipient
            && status == EnhancedStatus(.temporary, 5, 3)
    }

    /// The server says 4.7.x, as big receivers do when they get too much from one host.
    nonisolated var asksForPatience: Bool {
        isRemote && result == .temporary && status.subject == 7
    }
}
