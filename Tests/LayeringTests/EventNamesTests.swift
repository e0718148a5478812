// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// docs/operations.md explains every event that the programs write, and no other.
@Suite struct EventNamesTests {
    /// Names of events in a text: literals of the families that Log.write is called with.
    static func names(in sources: [String]) throws -> Set<String> {
        let call = try Regex(
            #"Log\.write\([^"]*?"([a-z]+)\.[a-z-]+""#, as: (Substring, Substring).self)
        let literal = try Regex(
            #""(([a-z]+)\.[a-z-]+)""#, as: (Substring, Substring, Substring).self)
        var families: Set<Substring> = []
        for source in sources {
            for match in source.matches(of: call) { families.insert(match.output.1) }
        }
        let files: Set<Substring> = ["json", "txt", "pem", "conf", "msg", "env"]
        var names: Set<String> = []
        for source in sources {
            for match in source.matches(of: literal) where families.contains(match.output.2) {
                let name = match.output.1
                if !files.contains(name.split(separator: ".")[1]) { names.insert(String(name)) }
            }
        }
        return names
    }

    @Test func everyEventIsExplained() throws {
        // What wmail check says has names of the same form, but is no event.
        let files = try SourceTree.swiftFiles("Sources").filter {
            !"\($0)".contains("wmail/Check/")
        }
        let sources = files.map { $0.lines.joined(separator: "\n") }
        let written = try Self.names(in: sources)
        let document = try String(
            contentsOf: SourceTree.root.appending(path: "docs/operations.md"), encoding: .utf8)
        let row = try Regex(
            #"(?m)^\| `([a-z]+\.[a-z-]+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$"#,
            as: (Substring, Substring).self)
        let explained = Set(document.matches(of: row).map { String($0.output.1) })
        #expect(written.count > 90)
        #expect(
            written.subtracting(explained).sorted() == [],
            "add these to the table of docs/operations.md")
        #expect(
            explained.subtracting(written).sorted() == [],
            "no program writes these of docs/operations.md")
    }
}
