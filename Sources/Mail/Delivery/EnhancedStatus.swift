// SPDX-License-Identifier: Apache-2.0

/// An enhanced mail system status code (RFC 3463 §2), such as 5.1.1.
package struct EnhancedStatus: Hashable, Sendable, CustomStringConvertible {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    package let severity: Int
    package let subject: Int
    package let detail: Int

    /// A code of the program's own; the parts are within RFC 3463's bounds.
    package init(_ severity: Int, _ subject: Int, _ detail: Int) {
        precondition(severity == 2 || severity == 4 || severity == 5)
        precondition((0...999).contains(subject) && (0...999).contains(detail))
        self.severity = severity
        self.subject = subject
        self.detail = detail
    }

    /// Reads `class.subject.detail`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let severity = Self.number(parts[0]),
            let subject = Self.number(parts[1]), let detail = Self.number(parts[2]),
            severity == 2 || severity == 4 || severity == 5
        else { return nil }
        self.init(severity, subject, detail)
    }

    package var description: String { "\(severity).\(subject).\(detail)" }

    private static func number(_ text: some StringProtocol) -> Int? {
        guard (1...3).contains(text.utf8.count),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(text)
    }
}
