// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// How a wait for a descriptor ended.
package enum WaitResult: Equatable, Sendable {
    case ready
    case timedOut
    /// ``Readiness/interrupt()`` was called.
    case interrupted
}

/// One descriptor registered with the event loop, edge-triggered and once: what the kernel last said of it.
///
/// At most one task waits for reading and one for writing.
@MainActor
package final class Readiness {
    private let descriptor: Int32
    /// Whether a read might give something; whoever sees EAGAIN sets it to false.
    package var isReadable = false
    /// Whether a write might go through; whoever sees EAGAIN sets it to false.
    package var isWritable = true
    /// The peer has ended its side: there will be no further edge, so reads go on to the end of the stream.
    package private(set) var isHungUp = false

    private var reader: UnsafeContinuation<WaitResult, Never>?
    private var writer: UnsafeContinuation<WaitResult, Never>?
    private var readTimer: Timer?
    private var writeTimer: Timer?
    private var isInterrupted = false
    private var isRegistered = true
    private var watchesOutput = false

    /// Registers an open, non-blocking descriptor; it must stay open until ``close()``.
    ///
    /// - Parameters:
    ///   - descriptor: Not owned.
    ///   - listening: Level-triggered and exclusive, for a listening socket that several workers share.
    /// - Throws: `SystemError` of epoll_ctl(2).
    package init(_ descriptor: Int32, listening: Bool = false) throws(SystemError) {
        self.descriptor = descriptor
        let events: UInt32 =
            listening
            ? EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue
            : Self.input
        try EventLoop.shared.add(descriptor, events: events, data: identity)
    }

    private static let input = EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue

    private var identity: UInt64 {
        UInt64(UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()))
    }

    /// Waits until a read might give something.
    package func readable(until deadline: Deadline?) async -> WaitResult {
        if isReadable { return .ready }
        if takeInterrupt() { return .interrupted }
        precondition(reader == nil, "two tasks read one descriptor")
        return await withUnsafeContinuation { continuation in
            reader = continuation
            guard let deadline else { return }
            let timer = readTimer ?? Timer { [unowned self] in wakeReader(.timedOut) }
            readTimer = timer
            EventLoop.shared.timers.set(timer, to: deadline)
        }
    }

    /// Waits until a write might go through.
    package func writable(until deadline: Deadline?) async -> WaitResult {
        if isWritable { return .ready }
        precondition(writer == nil, "two tasks write one descriptor")
        watchOutput()
        return await withUnsafeContinuation { continuation in
            writer = continuation
            guard let deadline else { return }
            let timer = writeTimer ?? Timer { [unowned self] in wakeWriter(.timedOut) }
            writeTimer = timer
            EventLoop.shared.timers.set(timer, to: deadline)
        }
    }

    /// Ends the present wait for reading, or the next one that would have to suspend.
    package func interrupt() {
        isInterrupted = true
        if reader != nil, takeInterrupt() { wakeReader(.interrupted) }
    }

    /// Takes the descriptor out of the loop, before it is closed; waits end as interrupted.
    package func close() {
        guard isRegistered else { return }
        isRegistered = false
        EventLoop.shared.remove(descriptor)
        if let readTimer { EventLoop.shared.timers.remove(readTimer) }
        if let writeTimer { EventLoop.shared.timers.remove(writeTimer) }
        wakeReader(.interrupted)
        wakeWriter(.interrupted)
    }

    /// What epoll reported.
    func occurred(_ events: UInt32) {
        let ended = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
        if events & ended != 0 { isHungUp = true }
        if events & (EPOLLIN.rawValue | ended) != 0 {
            isReadable = true
            wakeReader(.ready)
        }
        if events & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
            isWritable = true
            wakeWriter(.ready)
        }
    }

    /// Asks for output events too, once a write had to wait: nearly no connection ever needs them, and each that is
    /// watched for them wakes the loop whenever the peer reads.
    private func watchOutput() {
        guard !watchesOutput, isRegistered else { return }
        watchesOutput = true
        EventLoop.shared.modify(
            descriptor, events: Self.input | EPOLLOUT.rawValue, data: identity)
    }

    private func takeInterrupt() -> Bool {
        defer { isInterrupted = false }
        return isInterrupted
    }

    private func wakeReader(_ result: WaitResult) {
        guard let continuation = reader else { return }
        reader = nil
        if let readTimer { EventLoop.shared.timers.clear(readTimer) }
        continuation.resume(returning: result)
    }

    private func wakeWriter(_ result: WaitResult) {
        guard let continuation = writer else { return }
        writer = nil
        if let writeTimer { EventLoop.shared.timers.clear(writeTimer) }
        continuation.resume(returning: result)
    }
}
