// SPDX-License-Identifier: Apache-2.0

/// A user name and a password as the client sent them; never printable.
package struct Credentials: Equatable, Sendable {
    /// Not empty, well-formed UTF-8, no control characters: it can stand in a log line.
    package let user: String
    /// Not empty and without NUL, which would hide what follows it from crypt(3).
    package let password: [UInt8]

    /// What a client may log in with; nil for anything else.
    package init?(user: some Collection<UInt8>, password: some Collection<UInt8>) {
        guard let name = String(validating: Array(user), as: UTF8.self), !name.isEmpty,
            !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { return nil }
        guard !password.isEmpty, !password.contains(0) else { return nil }
        self.user = name
        self.password = Array(password)
    }
}

/// No print, dump, interpolation or failed test shows the password.
extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "credentials of \(user)" }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: []) }
}
