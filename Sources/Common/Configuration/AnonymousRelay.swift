// SPDX-License-Identifier: Apache-2.0

/// `SMTPSettings.allowAnonymousRelay` and `SMTPServices.SMTPWhiteList`: what may be relayed without a login.
///
/// Only for clients that the service's `allowRelayFrom` names; the Python program, which lacked that, was an open
/// relay with it.
package struct AnonymousRelay: Equatable, Sendable {
    /// `mode`: which of the lists count.
    package enum Mode: String, CaseIterable, Sendable {
        /// Any recipient.
        case disable
        /// Recipients on the white list that are not on the black one.
        case whitelist
        /// Any recipient that is not on the black list.
        case blacklist
    }

    /// `allowAnonymousRelay`.
    package var isAllowed = false
    /// `SMTPWhiteList.mode`.
    package var mode = Mode.disable
    /// `whitelist`: patterns for the recipient's domain or whole address.
    package var whitelist: [Wildcard] = []
    /// `blacklist`: likewise.
    package var blacklist: [Wildcard] = []

    /// All defaults.
    package init() {}

    /// Whether a client of `allowRelayFrom` may send to this recipient without a login.
    ///
    /// Without `allowAnonymousRelay` the lists do not count: `allowRelayFrom` alone allows every recipient.
    package func permits(localPart: String, domain: String) -> Bool {
        guard isAllowed else { return true }
        func matches(_ list: [Wildcard]) -> Bool {
            list.contains { $0.matches(domain) || $0.matches("\(localPart)@\(domain)") }
        }
        switch mode {
        case .disable: return true
        case .whitelist: return matches(whitelist) && !matches(blacklist)
        case .blacklist: return !matches(blacklist)
        }
    }
}

extension AnonymousRelay {
    /// For a slice.
    package var json: JSON {
        [
            "isAllowed": .boolean(isAllowed), "mode": .string(mode.rawValue),
            "whitelist": .strings(whitelist.map(\.pattern)),
            "blacklist": .strings(blacklist.map(\.pattern)),
        ]
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        isAllowed = try json.boolean(at: "isAllowed")
        mode = try json.word(at: "mode")
        whitelist = try json.strings(at: "whitelist").map { Wildcard($0) }
        blacklist = try json.strings(at: "blacklist").map { Wildcard($0) }
    }
}
