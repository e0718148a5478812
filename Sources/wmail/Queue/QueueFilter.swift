// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// Which entries a command is about: all that match everything that is said.
struct QueueFilter: Sendable {
    /// Ids, or whole file names; empty for any.
    var ids: [String] = []
    var sender: Wildcard?
    var recipient: Wildcard?
    var destination: Wildcard?
    /// Seconds.
    var olderThan: Int?
    /// Seconds.
    var youngerThan: Int?
    var places: Set<QueuePlace> = Set(QueuePlace.allCases)

    /// Whether anything narrows the choice.
    var choosesAll: Bool {
        ids.isEmpty && sender == nil && recipient == nil && destination == nil
            && olderThan == nil && youngerThan == nil
    }

    /// What the name alone decides, so that files of other entries need not be opened.
    func admits(name: String, id: QueueID?, now: Int) -> Bool {
        if !ids.isEmpty {
            let names = [id?.description ?? name, name]
            guard names.contains(where: ids.contains) else { return false }
        }
        guard olderThan != nil || youngerThan != nil else { return true }
        guard let id else { return false }
        let age = now - Int(id.microseconds / 1_000_000)
        if let olderThan, age <= olderThan { return false }
        if let youngerThan, age >= youngerThan { return false }
        return true
    }

    /// What only the contents decide.
    func admits(_ entry: QueuedEntry) -> Bool {
        if let sender, !sender.matches(entry.sender) { return false }
        if let recipient {
            // A local entry is known by its account; `alice` is enough to mean `default/alice`.
            let names =
                entry.recipients
                + entry.recipients.compactMap { $0.split(separator: "/").last.map(String.init) }
            guard names.contains(where: recipient.matches) else { return false }
        }
        if let destination, !entry.destinations.contains(where: destination.matches) {
            return false
        }
        return true
    }
}

/// A length of time as people write it: `90`, `90s`, `15m`, `4h`, `3d`, `2w`.
struct TimeSpan: Equatable, Sendable {
    let seconds: Int

    private static let units: [Character: Int] = [
        "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800,
    ]

    /// Reads a number with at most one unit; nil for anything else.
    init?(_ text: String) {
        var digits = text[...]
        var unit = 1
        if let last = text.last, let known = Self.units[last] {
            unit = known
            digits.removeLast()
        }
        guard !digits.isEmpty, digits.utf8.count <= 9,
            digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let number = Int(digits)
        else { return nil }
        seconds = number * unit
    }

    /// The same for people, coarser the longer it is: `42 s`, `17 min`, `5 h`, `3 d`.
    static func text(_ seconds: Int) -> String {
        switch seconds {
        case ..<120: "\(max(0, seconds)) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) d"
        }
    }
}

/// Octets for people: `812`, `4.1 K`, `17 M`.
func sizeText(_ octets: Int) -> String {
    var (value, unit) = (Double(octets), "")
    for next in ["K", "M", "G", "T"] where value >= 1024 {
        value /= 1024
        unit = " " + next
    }
    if unit.isEmpty { return "\(octets)" }
    let tenths = Int((value * 10).rounded())
    return tenths < 100 ? "\(tenths / 10).\(tenths % 10)\(unit)" : "\((tenths + 5) / 10)\(unit)"
}
