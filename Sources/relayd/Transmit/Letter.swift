// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// A queued message as it goes out: without the Return-Path that only the last server may add (RFC 5321 §4.4).
final class Letter {
    /// Where the part begins that is sent, in octets.
    let start: Int
    /// Where it ends.
    let end: Int
    /// Nil for a message that was read as a whole, and once it was closed.
    private var message: OpenMessage?
    private let first: [UInt8]
    private let pool: BlockingPool

    /// A file that another thread reads.
    nonisolated private final class OpenMessage: Sendable {
        let file: File

        init(_ file: consuming File) { self.file = file }
    }

    /// Opens the message of an entry that we hold and reads its beginning.
    ///
    /// - Returns: Nil when we do not hold it any more.
    /// - Throws: `SystemError` of openat(2) or pread(2).
    static func open(_ claim: RelayClaim, pool: BlockingPool) async throws(SystemError) -> Letter? {
        if let text = claim.takeFreshText() {
            return Letter(nil, size: text.count, first: text, pool: pool)
        }
        let partSize = RemoteConnection.partSize
        let opened = try await pool.run { () throws(SystemError) -> (OpenMessage?, Int, [UInt8])? in
            guard try claim.isOurs() else { return nil }
            let message = OpenMessage(try claim.message())
            let size = try message.file.status().size
            let first = try message.file.read(atMost: min(size, partSize), at: 0)
            return (size > first.count ? message : nil, size, first)
        }
        guard let opened else { return nil }
        return Letter(opened.0, size: opened.1, first: opened.2, pool: pool)
    }

    private init(_ message: OpenMessage?, size: Int, first: [UInt8], pool: BlockingPool) {
        self.message = message
        self.first = first
        self.pool = pool
        start = Self.lengthOfReturnPath(first)
        end = size
    }

    /// Octets as RFC 1870 §5 counts them: messages in the queue have CRLF line ends.
    var size: Int { end - start }

    /// The octets from a position, as many as are read at a time; empty at the end.
    ///
    /// - Throws: `SystemError` of pread(2).
    func part(at position: Int) async throws(SystemError) -> [UInt8] {
        if position < first.count { return Array(first[position...]) }
        guard position < end, let message else { return [] }
        return try await pool.run { () throws(SystemError) in
            try message.file.read(atMost: RemoteConnection.partSize, at: position)
        }
    }

    /// Nothing more is read.
    ///
    /// Called before the entry is removed: after that closing the file frees its blocks, which would keep the event loop.
    func close() {
        message = nil
    }

    /// What a server without 8BITMIME or SMTPUTF8 must know.
    ///
    /// - Returns: Whether an octet above 127 is in the header, and whether one is anywhere.
    /// - Throws: `SystemError` of pread(2).
    func eightBitParts() async throws(SystemError) -> (header: Bool, anywhere: Bool) {
        var position = start
        var isInHeader = true
        var lineLength = 0
        while true {
            let part = try await part(at: position)
            if part.isEmpty { return (false, false) }
            for octet in part {
                if octet >= 0x80 { return (isInHeader, true) }
                guard isInHeader else { continue }
                if octet == 0x0A {
                    if lineLength == 0 { isInHeader = false }
                    lineLength = 0
                } else if octet != 0x0D {
                    lineLength += 1
                }
            }
            position += part.count
        }
    }

    /// The octets of a Return-Path field at the very beginning, with its line ends.
    nonisolated static func lengthOfReturnPath(_ bytes: [UInt8]) -> Int {
        let name = Array("return-path:".utf8)
        guard bytes.count >= name.count,
            zip(bytes, name).allSatisfy({ $0.asciiLowercase == $1 })
        else { return 0 }
        var position = 0
        while let end = bytes[position...].firstIndex(of: 0x0A) {
            position = end + 1
            // A folded field goes on with white space (RFC 5322 §2.2.3).
            guard position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 else {
                return position
            }
        }
        return 0
    }
}
