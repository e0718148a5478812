// SPDX-License-Identifier: Apache-2.0
import Common
import Policy

/// Who may have how many connections, of those that there may be at once.
extension Transmit {
    /// The destination of a route.
    func destination(of route: Route) -> Destination {
        if let known = destinations[route] { return known }
        nextIndex &+= 1
        let new = Destination(route, index: nextIndex, self)
        destinations[route] = new
        return new
    }

    /// Whether a destination may have one connection more; if not, it is told when one is free.
    func mayConnect(for destination: Destination) -> Bool {
        if connections >= slice.settings.maxConnections { closeOneIdle() }
        guard connections < slice.settings.maxConnections else {
            if !hungry.contains(where: { $0 === destination }) { hungry.append(destination) }
            return false
        }
        connections += 1
        return true
    }

    /// Whether destinations wait for a connection of the whole to be free.
    var isCrowded: Bool { !hungry.isEmpty }

    /// A connection waits a little for the next message to its destination.
    func keep(_ connection: RemoteConnection, at destination: Destination) {
        connections += 1
        destination.idle.append(connection)
        Task {
            await sleep(until: .seconds(Self.idleSeconds))
            guard let position = destination.idle.firstIndex(where: { $0 === connection }),
                Deadline.now.seconds(since: connection.idleSince) >= Self.idleSeconds * 0.9
            else { return }
            destination.idle.remove(at: position)
            await connection.quit()
            connections -= 1
            feedHungry()
        }
    }

    /// A courier has given its connection up, or to ``keep(_:at:)``.
    func courierEnded(at destination: Destination) {
        connections -= 1
        feedHungry()
        if isStopping { watch.interrupt() }
    }

    private func feedHungry() {
        while !hungry.isEmpty, connections < slice.settings.maxConnections {
            hungry.removeFirst().staff()
        }
    }

    private func closeOneIdle() {
        for destination in destinations.values {
            guard let connection = destination.idle.popLast() else { continue }
            connections -= 1
            Task { await connection.quit() }
            return
        }
    }
}
