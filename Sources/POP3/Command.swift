// SPDX-License-Identifier: Apache-2.0

/// One line of the client, understood.
enum Command: Equatable, Sendable {
    // AUTHORIZATION state
    case user([UInt8])
    case pass([UInt8])
    case apop
    case auth(mechanism: [UInt8], initialResponse: [UInt8]?)
    case authList
    case stls
    case utf8
    // TRANSACTION state; messages are numbered from 1
    case stat
    case list(Int?)
    case uidl(Int?)
    case retr(Int)
    case top(Int, lines: Int)
    case dele(Int)
    case noop
    case rset
    case last
    // Both
    case capa
    case lang([UInt8]?)
    case quit
}

/// Why a line is no command.
enum SyntaxError: Error, Equatable, Sendable {
    case unknownCommand
    case argumentMissing
    case argumentUnexpected
    case notANumber
}

/// What may hold a password is in no text that is made of a command.
extension Command: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String {
        switch self {
        case .user: "USER"
        case .pass: "PASS"
        case .apop: "APOP"
        case .auth, .authList: "AUTH"
        case .stls: "STLS"
        case .utf8: "UTF8"
        case .stat: "STAT"
        case .list(let number): "LIST\(Self.suffix(number))"
        case .uidl(let number): "UIDL\(Self.suffix(number))"
        case .retr(let number): "RETR \(number)"
        case .top(let number, let lines): "TOP \(number) \(lines)"
        case .dele(let number): "DELE \(number)"
        case .noop: "NOOP"
        case .rset: "RSET"
        case .last: "LAST"
        case .capa: "CAPA"
        case .lang: "LANG"
        case .quit: "QUIT"
        }
    }

    var debugDescription: String { description }

    var customMirror: Mirror { Mirror(self, children: []) }

    private static func suffix(_ number: Int?) -> String { number.map { " \($0)" } ?? "" }
}
