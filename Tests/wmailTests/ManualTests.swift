// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Testing

@testable import Common
@testable import wmail

/// The manual pages name every command, option and key that there is; `docs/man/generate` writes them.
@Suite struct ManualTests {
    static let checkout =
        "\(#filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined())"

    /// A page without its escapes, in lines.
    private static func page(_ name: String) throws -> [String] {
        let bytes = try File(path: "\(checkout)/docs/man/\(name)").readAll()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
            String($0).replacing("\\-", with: "-")
        }
    }

    private struct Command {
        let path: String
        let options: Set<String>
    }

    /// All commands with their own options, as the parser has them.
    private static func commands(_ json: JSON, below path: String = "") -> [Command] {
        guard let name = json["commandName"]?.string, name != "help",
            json["shouldDisplay"]?.boolean == true
        else { return [] }
        let full = path.isEmpty ? name : "\(path) \(name)"
        let options = (json["arguments"]?.elements ?? []).filter {
            $0["shouldDisplay"]?.boolean == true
        }.flatMap { argument in
            (argument["names"]?.elements ?? []).compactMap { name in
                name["kind"]?.string == "long" ? name["name"]?.string : nil
            }
        }
        let own = Set(options).subtracting(["root", "json", "help", "version"])
        return [Command(path: full, options: own)]
            + (json["subcommands"]?.elements ?? []).flatMap { commands($0, below: full) }
    }

    @Test func theManualNamesEveryCommandAndOption() throws {
        let help = try JSON(parsing: Array(Wmail._dumpHelp().utf8))
        let commands = Self.commands(try help.value(at: "command")).filter { $0.path != "wmail" }
        let page = try Self.page("wmail.8")
        let headings = page.filter { $0.hasPrefix(".SS ") }.map { String($0.dropFirst(4)) }
        #expect(Set(headings) == Set(commands.map(\.path)), "run docs/man/generate")
        for command in commands {
            let section = page.drop { $0 != ".SS \(command.path)" }.dropFirst().prefix {
                !$0.hasPrefix(".S")
            }
            let named = section.filter { $0.hasPrefix(".B --") }.compactMap {
                $0.dropFirst(5).split(separator: " ").first.map(String.init)
            }
            #expect(
                Set(named) == command.options, "\(command.path): run docs/man/generate")
        }
    }

    /// The keys that a page names as such.
    private static func keys(of page: [String]) -> Set<String> {
        Set(page.filter { $0.hasPrefix(".B ") }.map { String($0.dropFirst(3)) })
    }

    @Test func theManualNamesEveryKey() throws {
        let page = try Self.page("wmail.json.5")
        let named = Self.keys(of: page)
        let samples = "\(Self.checkout)/samples"
        let configuration = try ConfigurationFile.knownKeys(
            in: File(path: "\(samples)/config/config.full.json").readAll(),
            places: Places(root: samples))
        let group = try AccountFile.knownKeys(
            in: File(path: "\(samples)/usermanager/default/group.json").readAll())
        let old = page.first { $0.hasPrefix("APIServer") } ?? ""
        for key in configuration.union(group) {
            // Lists of smarthosts and certificates have the keys of the single ones.
            let single = key.replacing(".more[].", with: ".")
                .replacing(".moreCerts[].", with: ".sslCert.").replacing("[]", with: "")
            #expect(
                named.contains(single) || old.contains(single), "\(key): run docs/man/generate")
        }
    }
}
