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
            abstract:
                "Shows every setting with its value, and the default or the line that it comes from.",
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
            let lines = SettingOrigins(of: present).lines
            let json = JSON.array(
                rows.map { setting, source in
                    [
                        "setting": .string(setting.name), "value": setting.value,
                        "source": .string(source.rawValue),
                        "line": lines[setting.name].map(JSON.integer) ?? .null,
                    ]
                })
            return Answer(json: json) { palette in
                var table = Table(["SETTING", "SOURCE", "VALUE"])
                for (setting, source) in rows {
                    let place = lines[setting.name].map { ":\($0)" } ?? ""
                    table.add([setting.name, source.rawValue + place, setting.value.compact])
                }
                return table.text(palette)
            }
        }
    }

    /// `wmail config diff`.
    struct Diff: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Shows what a reload would change, or a new config.json in the place of the present one.",
            discussion: """
                Without a file it compares what the running server has read with the files as they are now. Ends with \
                2 when the new file is wrong, would open a relay, or would leave queued mail without a way. \
                So: wmail config diff new.json && mv new.json /etc/wmailserver/config.json && systemctl reload \
                wmailserver
                """)

        @Argument(help: "A new config.json, to compare with the present one.", completion: .file())
        var file: String?
        @OptionGroup var common: CommonOptions

        func answer() throws(Failure) -> Answer {
            let instance = try Instance(common.places)
            let old: Configuration
            let new: Configuration
            if let file {
                old = try instance.configuration()
                var changed = try Self.read(file, instance.places)
                changed.localMX = old.localMX
                new = changed
            } else {
                old = try Self.serving(instance.places)
                do throws(ConfigurationError) {
                    new = try ConfigurationFile.load(instance.places)
                } catch {
                    throw Failure(
                        error.description,
                        cure: "a reload would be refused; the server goes on as it is",
                        status: .no)
                }
            }
            let queued = try translating { () throws(SystemError) in
                try Danger.Queued(in: instance.places)
            }
            return Self.answer(from: old, to: new, queued: queued)
        }

        private static func read(_ file: String, _ places: Places) throws(Failure) -> Configuration
        {
            let bytes = try translating { () throws(SystemError) in
                try File(path: file).readAll(limit: 4 << 20)
            }
            do throws(ConfigurationError) {
                return try ConfigurationFile.read(bytes, file: file, places: places)
            } catch {
                throw Failure(error.description, cure: "nothing was changed", status: .no)
            }
        }

        /// What the running server has read; master notes it when its workers serve.
        private static func serving(_ places: Places) throws(Failure) -> Configuration {
            guard try StatusReport(places).master != nil else {
                throw Failure(
                    "the server does not run, so there is nothing to compare with",
                    cure: "wmail config diff FILE compares a new file with the present one")
            }
            var configuration = try read("\(places.run)/\(Places.servingName)", places)
            let path = "\(places.run)/\(Places.servingMXName)"
            let bytes = try translating { () throws(SystemError) in
                try File(path: path).readAll(limit: 64 << 20)
            }
            guard !bytes.isEmpty else { return configuration }
            do throws(ConfigurationError) {
                configuration.localMX = try LocalMX.read(bytes, file: path).0
            } catch {
                throw Failure(error)
            }
            return configuration
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
