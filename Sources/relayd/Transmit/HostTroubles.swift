// SPDX-License-Identifier: Apache-2.0
import Common

/// Hosts that failed a little while ago: they are tried after those that did not.
nonisolated struct HostTroubles: Sendable {
    /// Seconds for which a failure counts.
    static let memory = 300.0
    /// More than these are not remembered.
    static let most = 10_000

    private var failed: [SocketAddress: Deadline] = [:]

    /// The host failed.
    mutating func note(_ host: RemoteHost, at now: Deadline = .now) {
        if failed.count >= Self.most { failed = [:] }
        failed[host.address] = now.advanced(by: Self.memory)
    }

    /// It works.
    mutating func forget(_ host: RemoteHost) {
        failed[host.address] = nil
    }

    /// In the given order, those that failed lately behind the others.
    func sorted(_ hosts: [RemoteHost], at now: Deadline = .now) -> [RemoteHost] {
        if failed.isEmpty { return hosts }
        func isBad(_ host: RemoteHost) -> Bool { failed[host.address].map { $0 > now } ?? false }
        return hosts.filter { !isBad($0) } + hosts.filter(isBad)
    }
}
