// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Holds the rules of the house that `swift format` does not know.
@Suite struct HouseTests {
    @Test func everyFileBeginsWithItsLicence() throws {
        let manifest = try SourceFile(path: "Package.swift")
        #expect(manifest.lines.first == "// swift-tools-version: 6.2")
        for file in try SourceTree.swiftFiles("Sources") + SourceTree.swiftFiles("Tests") {
            #expect(file.lines.first == "// SPDX-License-Identifier: Apache-2.0", "\(file)")
        }
    }

    /// What may not stand in a program that promises not to lose anything silently.
    static let forbidden: [(pattern: String, reason: String)] = [
        (#"\btry\?"#, "swallows an error"),
        (#"\btry!"#, "dies of an error"),
        (#"\bfatalError\("#, "is a stub or an undeclared trap"),
        (#"\bunowned\(unsafe\)"#, "is unchecked"),
        (#"\bas!"#, "dies of a wrong type"),
        (#"\bpublic\b"#, "nothing leaves this package"),
        (#"\bopen class\b"#, "nothing leaves this package"),
    ]

    @Test(arguments: forbidden) func sourcesAvoid(pattern: String, reason: String) throws {
        let expression = try Regex(pattern)
        for file in try SourceTree.swiftFiles("Sources") {
            for line in file.code where line.text.contains(expression) {
                Issue.record("\(file):\(line.number) \(reason): \(line.text)")
            }
        }
    }

    /// Functions that a protocol asks for; the protocol says what they do.
    static let witnesses: Set = [
        "read", "enqueue", "finish", "flush", "close", "interrupt", "hash",
    ]

    @Test func everyPackageTypeAndFunctionSaysWhatItIs() throws {
        let types = ["struct", "class", "enum", "protocol", "actor"]
        for file in try SourceTree.swiftFiles("Sources") {
            let lines = file.lines.map { $0.trimmingCharacters(in: .whitespaces) }
            for (index, line) in lines.enumerated() where line.contains("package ") {
                let words = line.split(whereSeparator: { " (<:".contains($0) }).map(String.init)
                guard let start = words.firstIndex(of: "package"),
                    let keyword = words[start...].firstIndex(where: {
                        types.contains($0) || $0 == "func"
                    }),
                    words[..<keyword].allSatisfy({ !$0.hasPrefix("//") && $0 != "import" }),
                    keyword + 1 < words.count
                else { continue }
                let name = words[keyword + 1]
                let isOperator = line.contains("func <") || name.first?.isLetter == false
                if words[keyword] == "func", isOperator || Self.witnesses.contains(name) {
                    continue
                }
                // Attributes may stand between the comment and the declaration.
                let above = lines[..<index].last { !$0.hasPrefix("@") } ?? ""
                #expect(above.hasPrefix("///"), "\(file):\(index + 1) has no comment: \(line)")
            }
        }
    }

    @Test func commonIsNoDrawer() throws {
        let atRoot = try SourceTree.swiftFiles("Sources/Common").filter {
            $0.path.split(separator: "/").count == 3
        }
        #expect(atRoot.isEmpty, "files at the root of Common: \(atRoot)")
        let drawers: Set = ["Utils", "Utilities", "Helpers", "Extensions", "Misc", "Shared"]
        #expect(try drawers.isDisjoint(with: SourceTree.folders("Sources/Common")))
    }

    /// With what the one call is given; anything longer belongs into a file of its own.
    @Test func mainIsOneCall() throws {
        for file in try SourceTree.swiftFiles("Sources") where file.path.hasSuffix("/main.swift") {
            let code = file.code.filter { !$0.text.isEmpty && !$0.text.contains("import ") }
            #expect(code.count <= 20, "\(file) has \(code.count) lines of code")
        }
    }

    @Test func onlyTheEventLoopIsUnchecked() throws {
        for file in try SourceTree.swiftFiles("Sources")
        where !file.path.hasPrefix("Sources/Common/EventLoop/") {
            for line in file.code where line.text.contains("@unchecked") {
                Issue.record("\(file):\(line.number) \(line.text)")
            }
        }
    }

    /// Each path in code marks that is one of a file below Sources.
    @Test func protocolsNamesFilesThatAreThere() throws {
        let page = try SourceFile(path: "docs/protocols.md").lines.joined(separator: "\n")
        let paths = page.matches(of: /`(\w+\/[\w\/+]+\.swift)`/).map { String($0.1) }
        #expect(paths.count > 50)
        for path in paths {
            let file = SourceTree.root.appending(path: "Sources/\(path)").path
            #expect(FileManager.default.fileExists(atPath: file), "\(path)")
        }
    }
}
