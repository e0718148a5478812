// SPDX-License-Identifier: Apache-2.0
import Common

extension Supervisor {
    /// What is to be done, in this order.
    enum Action: Equatable, Sendable {
        /// Start a worker, then tell ``started(_:in:of:at:)`` or ``notStarted(_:of:at:)``.
        case start(Slot, generation: Int)
        /// Connect a client with an authd, both given by process.
        case introduce(client: Int32, authd: Int32)
        /// Tell a worker that a newer one serves now.
        case retire(Int32)
        case stop(Int32)
        case kill(Int32)
        case report(Report)
        /// This generation serves from now on, and none before it.
        case serving(generation: Int)
        /// This generation could not start and is gone.
        case abandoned(generation: Int)
        case exit(code: Int32)
    }

    /// What the log should say.
    enum Report: Equatable, Sendable {
        /// `restart` is in how many seconds it is replaced; nil: not at all.
        case died(Slot, process: Int32, end: ProcessEnd, after: Double, restart: Double?)
        case silent(Slot, process: Int32, seconds: Double)
        case overdue(Slot, process: Int32)
        case changeTimedOut
    }

    struct Worker: Equatable, Sendable {
        enum Life: Equatable, Sendable {
            case serving
            case retiring(until: Deadline)
            case stopping(until: Deadline)
        }

        let slot: Slot
        let generation: Int
        let started: Deadline
        /// When it last showed life.
        var heard: Deadline
        var isReady = false
        var life = Life.serving
    }
}
