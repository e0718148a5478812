// SPDX-License-Identifier: Apache-2.0
import Common

/// On which line of `config.json` each setting gets its value.
///
/// Found out by leaving out one key after the other: what changes then was set by it. So no table of names can be
/// wrong, and a key that another one overrules is not named.
struct SettingOrigins {
    /// By setting, from 1.
    let lines: [String: Int]

    /// Looks through the text that a configuration was read from; finds nothing where there is none.
    init(of configuration: Configuration) {
        var lines: [String: Int] = [:]
        let settings = EffectiveSettings(configuration)
        do throws(JSONError) {
            guard !configuration.text.isEmpty else {
                self.lines = [:]
                return
            }
            let editor = try JSONEditor(configuration.text)
            // Single values first, then objects that can only be there as a whole.
            for (path, line) in Self.places(of: editor.json) {
                var shorter = editor
                guard try shorter.remove(path),
                    var rest = Self.read(shorter.bytes, configuration.places)
                else { continue }
                rest.localMX = configuration.localMX
                let others = EffectiveSettings(rest)
                for setting in settings.settings {
                    guard lines[setting.name] == nil, let other = others[setting.name],
                        other != setting.value
                    else { continue }
                    lines[setting.name] = line
                }
            }
        } catch {
            // It was read a moment ago, so this cannot be; without lines the answer is still right.
            lines = [:]
        }
        self.lines = lines
    }

    /// The paths of all values with their lines, the innermost first.
    private static func places(of json: JSON, below path: [JSONStep] = []) -> [([JSONStep], Int)] {
        let inner = (json.members ?? []).flatMap {
            places(of: $0.value, below: path + [.key($0.key)])
        }
        return inner + (path.isEmpty ? [] : [(path, json.place.line)])
    }

    /// A configuration; nil where the missing key was a necessary one.
    private static func read(_ bytes: [UInt8], _ places: Places) -> Configuration? {
        do throws(ConfigurationError) {
            return try ConfigurationFile.read(
                bytes, file: places.configurationFile, places: places)
        } catch {
            return nil
        }
    }
}
