// SPDX-License-Identifier: Apache-2.0
import Common

/// Every setting of a configuration with its value, flat and in a fixed order; passwords are left out.
struct EffectiveSettings: Equatable {
    /// One setting.
    struct Setting: Equatable {
        /// Section and name, as the server's own code has them, such as `reception.maxMessageSize`.
        let name: String
        let value: JSON

        var section: String { String(name.prefix { $0 != "." }) }
    }

    let settings: [Setting]

    /// Takes a configuration apart.
    init(_ configuration: Configuration) {
        var all: [(section: String, json: JSON)] = [
            ("general", Self.general(configuration)), ("reception", configuration.reception.json),
            ("mailboxAccess", configuration.mailboxAccess.json),
            ("transmit", configuration.transmit.json), ("security", configuration.security.json),
            ("tls", configuration.tls.json), ("anonymousRelay", configuration.anonymousRelay.json),
        ]
        for listener in configuration.listeners {
            all.append(("service \(listener.service.rawValue) \(listener.address)", listener.json))
        }
        for group in configuration.groups {
            let files = group.certificates.map { JSON.string($0.certificate) }
            all.append(("group \(group.name)", ["certificates": .array(files)]))
        }
        for smarthost in configuration.smarthosts {
            all.append(("smarthost \(smarthost.host):\(smarthost.port)", smarthost.json))
        }
        all += configuration.localMX.routes.map { route in
            (
                "localMX \(route.domain)",
                [
                    "hosts": .strings(route.hosts),
                    "ports": .array(route.ports.map { .integer(Int($0)) }),
                ]
            )
        }
        settings = all.flatMap { section, json in
            (json.members ?? []).map { member in
                Setting(
                    name: "\(section).\(member.key)",
                    value: member.key == "password" ? Self.hidden(member.value) : member.value)
            }
        }
    }

    /// Whether there is a password, and nothing more.
    private static func hidden(_ password: JSON) -> JSON {
        password == "" ? "" : "(set)"
    }

    private static func general(_ configuration: Configuration) -> JSON {
        [
            "hostname": .string(configuration.hostname),
            "smtpWorkers": .integer(configuration.smtpWorkers),
            "pop3Workers": .integer(configuration.pop3Workers),
        ]
    }

    /// The value of a setting; nil when there is none of that name.
    subscript(name: String) -> JSON? { settings.first { $0.name == name }?.value }
}

extension EffectiveSettings {
    /// One setting that differs.
    struct Change: Equatable {
        let name: String
        /// nil where it is new.
        let old: JSON?
        /// nil where it is gone.
        let new: JSON?

        /// For `--json`.
        var json: JSON {
            ["setting": .string(name), "old": old ?? .null, "new": new ?? .null]
        }

        /// On one line.
        var text: String {
            "\(name): \(old?.compact ?? "(not there)") → \(new?.compact ?? "(gone)")"
        }
    }

    /// What differs, in the order of the new one, then what is gone.
    func changes(to new: Self) -> [Change] {
        var changes: [Change] = []
        for setting in new.settings where self[setting.name] != setting.value {
            changes.append(
                Change(name: setting.name, old: self[setting.name], new: setting.value))
        }
        for setting in settings where new[setting.name] == nil {
            changes.append(Change(name: setting.name, old: setting.value, new: nil))
        }
        return changes
    }
}
