// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The checkout that these tests read.
enum SourceTree {
    /// The folder of Package.swift.
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The Swift files below a folder of the checkout, in order.
    static func swiftFiles(_ folder: String) throws -> [SourceFile] {
        let start = root.appending(path: folder)
        let names = try FileManager.default.subpathsOfDirectory(atPath: start.path)
        return try names.filter { $0.hasSuffix(".swift") }.sorted().map { name in
            try SourceFile(path: "\(folder)/\(name)")
        }
    }

    /// The folders directly below one of the checkout.
    static func folders(_ folder: String) throws -> [String] {
        let start = root.appending(path: folder)
        return try FileManager.default.contentsOfDirectory(atPath: start.path).sorted().filter {
            let values = try start.appending(path: $0).resourceValues(forKeys: [.isDirectoryKey])
            return values.isDirectory == true
        }
    }
}

/// One file of the checkout, as lines.
struct SourceFile: CustomStringConvertible, Sendable {
    let path: String
    let lines: [String]

    init(path: String) throws {
        self.path = path
        let text = try String(
            contentsOf: SourceTree.root.appending(path: path), encoding: .utf8)
        lines = text.components(separatedBy: "\n")
    }

    var description: String { path }

    /// The modules that the file imports.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let keyword = words.firstIndex(of: "import") else { return nil }
            let before = words[..<keyword]
            let isImport = before.allSatisfy {
                $0.hasPrefix("@") || ["package", "internal", "private", "fileprivate"].contains($0)
            }
            guard isImport, keyword + 1 < words.count else { return nil }
            let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let rest = words[(keyword + 1)...].drop { kinds.contains($0) }
            return rest.first?.split(separator: ".").first.map(String.init)
        }
    }

    /// The lines with their numbers, without comments and without the insides of string literals.
    var code: [(number: Int, text: String)] {
        var isInComment = false
        var isInLiteral = false
        return lines.enumerated().compactMap { index, line in
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            if trimmed.contains("\"\"\"") {
                isInLiteral.toggle()
                return nil
            }
            if isInLiteral || trimmed.hasPrefix("//") { return nil }
            if trimmed.hasPrefix("/*") { isInComment = true }
            if isInComment {
                if trimmed.contains("*/") { isInComment = false }
                return nil
            }
            return (index + 1, Self.withoutLiterals(trimmed))
        }
    }

    private static func withoutLiterals(_ line: String) -> String {
        var result = ""
        var isInside = false
        var isEscaped = false
        for character in line {
            if isEscaped {
                isEscaped = false
            } else if isInside, character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isInside.toggle()
                result.append(character)
            } else if !isInside {
                result.append(character)
            }
            if !isInside, result.hasSuffix("//") { return String(result.dropLast(2)) }
        }
        return result
    }
}
