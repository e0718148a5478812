// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common

/// `wmail config`: what is set, and what a change would do.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Shows effective settings, and what a change would do.",
        subcommands: [Show.self, Diff.self])

    /// Where a setting comes from.
    enum Source: String {
        case standard = "default"
        case file = "config.json"
        case table = "localMX.json"
    }

    /// `wmail config show`.
    struct Show: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows every setting with its value and whether it is the default.",
            discussion: """
                The names are those of the server's parts; wmail.json(5) has the keys of config.json. Passwords are \
                not shown.
                """)

        @Flag(help: "Only what differs from the defaults.") var changed = false
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let present = try Instance(common.places).configuration()
            return Self.answer(present, onlyChanged: changed)
        }

        static func answer(_ present: Configuration, onlyChanged: Bool) -> Answer {
            var plain = Configuration(
                places: present.places, hostname: HostFacts.current.hostname)
            plain.smtpWorkers = HostFacts.current.processors
            plain.pop3Workers = plain.smtpWorkers
            plain.listeners = present.listeners.map { listener in
                ListenerSettings(
                    address: listener.address, service: listener.service, implicitTLS: false,
                    group: listener.group, hostname: present.hostname)
            }
            plain.smarthosts = present.smarthosts.map { Smarthost(host: $0.host, port: $0.port) }
            let defaults = EffectiveSettings(plain)
            let rows = EffectiveSettings(present).settings.compactMap { setting in
                let source: Source =
                    defaults[setting.name] == setting.value
                    ? .standard : setting.section.hasPrefix("localMX") ? .table : .file
                return onlyChanged && source == .standard ? nil : (setting, source)
            }
            let json = JSON.array(
                rows.map { setting, source in
                    [
                        "setting": .string(setting.name), "value": setting.value,
                        "source": .string(source.rawValue),
                    ]
                })
            return Answer(json: json) { palette in
                var table = Table(["SETTING", "SOURCE", "VALUE"])
                for (setting, source) in rows {
                    table.add([setting.name, source.rawValue, setting.value.compact])
                }
                return table.text(palette)
            }
        }
    }

    /// `wmail config diff`.
    struct Diff: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares a new config.json with the present one before it takes its place.",
            discussion: """
                Ends with 2 when the new file is wrong, would open a relay, or would leave queued mail without a way. \
                So: wmail config diff new.json && mv new.json /etc/wmailserver/config.json && systemctl reload \
                wmailserver
                """)

        @Argument(help: "The new file.", completion: .file()) var file: String
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let present = try instance.configuration()
            let bytes = try translating { () throws(SystemError) in
                try File(path: file).readAll(limit: 4 << 20)
            }
            var new: Configuration
            do throws(ConfigurationError) {
                new = try ConfigurationFile.read(bytes, file: file, places: instance.places)
            } catch {
                throw Failure(error.description, cure: "nothing was changed", status: .no)
            }
            new.localMX = present.localMX
            let queued = try translating { () throws(SystemError) in
                try Danger.Queued(in: instance.places)
            }
            return Self.answer(from: present, to: new, queued: queued)
        }

        static func answer(
            from present: Configuration, to new: Configuration, queued: Danger.Queued
        ) -> Answer {
            let changes = EffectiveSettings(present).changes(to: EffectiveSettings(new))
            let dangers = Danger.all(from: present, to: new, queued: queued)
            let json: JSON = [
                "changes": .array(changes.map(\.json)), "dangers": .array(dangers.map(\.json)),
            ]
            return Answer(json: json, status: dangers.isEmpty ? .good : .no) { palette in
                var text = changes.isEmpty ? "Nothing would change.\n" : ""
                for change in changes { text += Output.printable(change.text) + "\n" }
                for danger in dangers {
                    text += palette.bad("refused: \(Output.printable(danger.what))\n")
                    text += "         \(danger.cure)\n"
                }
                return text
            }
        }
    }
}
