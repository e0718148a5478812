// swift-tools-version: 6.2
import PackageDescription

// The diamond: Mail ← SMTP, POP3 (values, no I/O) and Common ← TLS (effects, no protocol) meet only in
// the programs. docs/architecture.md says why; Tests/LayeringTests holds what the compiler cannot.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Everything in a worker runs on its one event-loop thread unless it says otherwise.
let onEventLoop: [SwiftSetting] = settings + [.defaultIsolation(MainActor.self)]

/// All that comes from outside, and for the operator's command alone.
let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "wMailServer",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .target(
            name: "CLinux",
            cSettings: [.unsafeFlags(["-fstack-protector-strong", "-Wall", "-Wextra", "-Werror"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd"),
        .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt"),
        .systemLibrary(name: "CIDN", pkgConfig: "libidn"),

        .target(name: "Mail", swiftSettings: settings),
        .target(name: "SMTP", dependencies: ["Mail"], swiftSettings: settings),
        .target(name: "POP3", dependencies: ["Mail"], swiftSettings: settings),
        .target(name: "Common", dependencies: ["Mail", "CLinux"], swiftSettings: settings),
        .target(
            name: "Directory", dependencies: ["Mail", "Common", "CCrypt", "CIDN"],
            swiftSettings: settings),
        .target(name: "Policy", dependencies: ["Mail", "Common"], swiftSettings: settings),
        .target(name: "TLS", dependencies: ["Common", "COpenSSL"], swiftSettings: onEventLoop),

        .executableTarget(
            name: "master", dependencies: ["Mail", "Common", "CLinux", "CSystemd"],
            swiftSettings: settings),
        .executableTarget(
            name: "smtpd", dependencies: ["Mail", "SMTP", "Common", "Policy", "TLS"],
            swiftSettings: onEventLoop),
        .executableTarget(
            name: "pop3d", dependencies: ["Mail", "POP3", "Common", "TLS"],
            swiftSettings: onEventLoop),
        .executableTarget(
            name: "relayd", dependencies: ["Mail", "SMTP", "Common", "Policy", "TLS"],
            swiftSettings: onEventLoop),
        .executableTarget(
            name: "authd", dependencies: ["Common", "Directory"], swiftSettings: onEventLoop),
        .executableTarget(
            name: "wmail",
            dependencies: ["Mail", "Common", "Directory", "Policy", "COpenSSL", argumentParser],
            swiftSettings: settings),

        .executableTarget(
            name: "sendmail", dependencies: ["Mail", "SMTP"], swiftSettings: settings),

        .target(
            name: "TestSupport", dependencies: ["Mail"], path: "Tests/TestSupport",
            swiftSettings: settings),
        .testTarget(
            name: "MailTests", dependencies: ["Mail", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "SMTPTests", dependencies: ["SMTP", "Mail", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "POP3Tests", dependencies: ["POP3", "Mail", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "CommonTests", dependencies: ["Common", "Mail", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "PolicyTests", dependencies: ["Policy", "Common", "Mail"],
            swiftSettings: settings),
        .testTarget(
            name: "DirectoryTests", dependencies: ["Directory", "Common", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "masterTests", dependencies: ["master", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "smtpdTests", dependencies: ["smtpd", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "pop3dTests", dependencies: ["pop3d", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "relaydTests", dependencies: ["relayd", "Policy", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "authdTests", dependencies: ["authd", "Directory", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "sendmailTests", dependencies: ["sendmail", "Mail", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "wmailTests",
            dependencies: [
                "wmail", "Common", "Directory", "Policy", "TestSupport", argumentParser,
            ],
            swiftSettings: settings),
        .testTarget(name: "LayeringTests", swiftSettings: settings),
    ]
)
