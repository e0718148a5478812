// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Holds the diamond: who may import whom, what the compiler alone would let pass.
@Suite struct DirectionTests {
    /// Each module of Sources with everything that it may import.
    static let allowed: [(module: String, imports: Set<String>)] = [
        ("Mail", []),
        ("SMTP", ["Mail"]),
        ("POP3", ["Mail"]),
        ("Common", ["Mail", "CLinux", "Glibc", "Synchronization", "_Concurrency"]),
        ("Directory", ["Mail", "Common", "CCrypt", "CIDN", "Glibc"]),
        ("Policy", ["Mail", "Common"]),
        ("TLS", ["Common", "COpenSSL", "Glibc"]),
        ("master", ["Mail", "Common", "CLinux", "CSystemd", "Glibc"]),
        ("smtpd", ["Mail", "SMTP", "Common", "Policy", "TLS", "Glibc"]),
        ("pop3d", ["Mail", "POP3", "Common", "TLS", "Glibc"]),
        ("relayd", ["Mail", "SMTP", "Common", "Policy", "TLS", "Glibc"]),
        ("authd", ["Common", "Directory", "Glibc", "Synchronization"]),
        (
            "wmail",
            ["Mail", "Common", "Directory", "Policy", "COpenSSL", "ArgumentParser", "Glibc"]
        ),
        ("sendmail", ["Mail", "SMTP", "Glibc"]),
    ]

    @Test(arguments: allowed) func importsOnly(module: String, imports: Set<String>) throws {
        let files = try SourceTree.swiftFiles("Sources/\(module)")
        #expect(!files.isEmpty)
        for file in files {
            // The standard library is everywhere anyway; its name is needed for @_spi(_Unicode).
            for name in file.imports where name != "Swift" {
                #expect(imports.contains(name), "\(file) imports \(name)")
            }
        }
    }

    @Test func everyModuleIsListed() throws {
        let withSwift = try SourceTree.folders("Sources").filter {
            try !SourceTree.swiftFiles("Sources/\($0)").isEmpty
        }
        #expect(withSwift == Self.allowed.map(\.module).sorted())
    }

    /// The dependencies that Package.swift must declare; tests aside, they are the diamond.
    static let dependencies: [String: [String]] = [
        "CLinux": [], "Mail": [], "SMTP": ["Mail"], "POP3": ["Mail"],
        "Common": ["CLinux", "Mail"], "Directory": ["CCrypt", "CIDN", "Common", "Mail"],
        "Policy": ["Common", "Mail"],
        "TLS": ["COpenSSL", "Common"],
        "master": ["CLinux", "CSystemd", "Common", "Mail"],
        "smtpd": ["Common", "Mail", "Policy", "SMTP", "TLS"],
        "pop3d": ["Common", "Mail", "POP3", "TLS"],
        "sendmail": ["Mail", "SMTP"],
        "relayd": ["Common", "Mail", "Policy", "SMTP", "TLS"],
        "authd": ["Common", "Directory"],
        "wmail": ["COpenSSL", "Common", "Directory", "Mail", "Policy", "argumentParser"],
    ]

    @Test func packageDeclaresTheDiamond() throws {
        let manifest = try SourceFile(path: "Package.swift").lines.joined(separator: "\n")
        let target = /\.(?:target|executableTarget)\(\s*name:\s*"(\w+)"(?<rest>[^)]*)/
        let list = /dependencies:\s*\[(?<names>[^\]]*)\]/
        var declared: [String: [String]] = [:]
        for match in manifest.matches(of: target) where match.1 != "TestSupport" {
            let names = match.rest.firstMatch(of: list).map { String($0.names) } ?? ""
            declared[String(match.1)] = names.matches(of: /\w+/).map { String($0.0) }.sorted()
        }
        #expect(declared == Self.dependencies)
    }

    /// What talks to the network is ours from the first line; a command line may be read by a library.
    @Test func onlyWmailTakesSomethingFromOutside() throws {
        let manifest = try SourceFile(path: "Package.swift").lines
        let packages = manifest.filter { $0.contains(".package(") }
        #expect(packages.count == 1)
        #expect(packages.allSatisfy { $0.contains("apple/swift-argument-parser\"") })
    }
}
