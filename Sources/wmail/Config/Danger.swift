// SPDX-License-Identifier: Apache-2.0
import Common

/// What a new configuration would break or open, against which the old one was safe.
struct Danger: Equatable {
    let what: String
    let cure: String

    /// For `--json`.
    var json: JSON { ["danger": .string(what), "cure": .string(cure)] }

    /// What waits in the queue.
    struct Queued: Equatable {
        /// How many messages wait here for each group.
        var local: [String: Int] = [:]
        /// How many wait for other servers.
        var remote = 0
    }

    /// All that would go wrong with a reload.
    ///
    /// - Parameters:
    ///   - old: What is there now.
    ///   - new: What is to come.
    ///   - queued: What waits.
    /// - Returns: Nothing where the change is safe.
    static func all(from old: Configuration, to new: Configuration, queued: Queued) -> [Danger] {
        relays(from: old, to: new) + orphans(from: old, to: new, queued)
    }

    // MARK: An open relay

    private static func relays(from old: Configuration, to new: Configuration) -> [Danger] {
        var dangers: [Danger] = []
        for listener in new.listeners {
            let before = old.listeners.first { $0.address == listener.address }
            for network in listener.allowRelayFrom
            where isWide(network) && before?.allowRelayFrom.contains(network) != true {
                dangers.append(
                    Danger(
                        what:
                            "\(listener.address) would relay for everybody in \(network) without a login",
                        cure: "name single hosts or small private networks in allowRelayFrom"))
            }
        }
        let sender = (
            old.reception.rejectOwnDomainsFromOutside, new.reception.rejectOwnDomainsFromOutside
        )
        if sender == (true, false) {
            dangers.append(
                Danger(
                    what: "anybody could send to your users as one of them",
                    cure: "leave rejectOwnDomainsFromOutside as it is"))
        }
        return dangers
    }

    /// Whether a network is more than somebody's own: public and large, or everything.
    static func isWide(_ network: IPNetwork) -> Bool {
        let text = network.description
        let parts = text.split(separator: "/")
        guard let first = parts.first, let address = SocketAddress(String(first), port: 0) else {
            return true
        }
        let length = parts.count > 1 ? Int(parts[1]) ?? 0 : address.isIPv6 ? 128 : 32
        if address.isPublic { return length < (address.isIPv6 ? 48 : 24) }
        return length < (address.isIPv6 ? 7 : 8)
    }

    // MARK: Mail that would have no way

    private static func orphans(
        from old: Configuration, to new: Configuration, _ queued: Queued
    ) -> [Danger] {
        var dangers: [Danger] = []
        for (group, count) in queued.local.sorted(by: { $0.key < $1.key })
        where old.group(group) != nil && new.group(group) == nil {
            dangers.append(
                Danger(
                    what: "\(count) messages wait for users of group \(group), which would be gone",
                    cure: "keep the group until queue/local has none of them"))
        }
        if queued.remote > 0, !old.usableMethods.isEmpty, new.usableMethods.isEmpty {
            dangers.append(
                Danger(
                    what:
                        "\(queued.remote) messages wait for other servers, and there would be no way out",
                    cure: "keep \"direct\" or \"relay\" with its MailRelay in mailTry"))
        }
        let lost = old.usableMethods.filter { !new.usableMethods.contains($0) }
        if queued.remote > 0, !lost.isEmpty, !new.usableMethods.isEmpty {
            let names = lost.map(\.rawValue).joined(separator: ", ")
            dangers.append(
                Danger(
                    what: """
                        \(queued.remote) messages wait for other servers, and those whose senders may leave by \
                        \(names) only would have no way out
                        """,
                    cure: "let the queue run empty first: wmail queue list"))
        }
        return dangers
    }
}

extension Danger.Queued {
    /// What waits in an instance's queue.
    ///
    /// - Throws: `SystemError` when it may not be looked at.
    init(in places: Places) throws(SystemError) {
        self.init()
        for folder in [QueueLayout.local, QueueLayout.hold, QueueLayout.relay] {
            let path = "\(places.queue)/\(folder)"
            let names: [String]
            do throws(SystemError) {
                names = try Folder(path, listable: true).names()
            } catch {
                // Before the first start there is no queue.
                if error.isMissing { continue }
                throw error
            }
            for name in names {
                if let entry = EntryName(name) {
                    local[entry.account.group, default: 0] += 1
                } else if let id = QueueLayout.relayID(ofName: name),
                    name == QueueLayout.envelopeName(id)
                {
                    remote += 1
                }
            }
        }
    }
}
