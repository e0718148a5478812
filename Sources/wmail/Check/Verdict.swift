// SPDX-License-Identifier: Apache-2.0
import Common

/// What one check has found, with what mends it.
struct Verdict: Equatable {
    enum Kind: String, CaseIterable {
        case ok
        /// It works, and may surprise or soon not work.
        case warn
        case fail
        /// Not looked at, with the reason.
        case skipped
    }

    let kind: Kind
    /// A stable name for scripts and the manual, such as `certificate.expiry`.
    let check: String
    /// The file, port or name that it is about.
    let subject: String
    let finding: String
    /// The exact record or command that mends it; empty where all is well.
    let cure: String

    private init(
        _ kind: Kind, _ check: String, _ subject: String, _ finding: String, _ cure: String
    ) {
        self.kind = kind
        self.check = check
        self.subject = subject
        self.finding = finding
        self.cure = cure
    }

    static func ok(_ check: String, _ subject: String, _ finding: String) -> Self {
        Self(.ok, check, subject, finding, "")
    }

    static func warn(_ check: String, _ subject: String, _ finding: String, cure: String) -> Self {
        Self(.warn, check, subject, finding, cure)
    }

    static func fail(_ check: String, _ subject: String, _ finding: String, cure: String) -> Self {
        Self(.fail, check, subject, finding, cure)
    }

    static func skipped(_ check: String, _ subject: String, _ reason: String, cure: String = "")
        -> Self
    {
        Self(.skipped, check, subject, reason, cure)
    }

    /// For `--json`.
    var json: JSON {
        [
            "verdict": .string(kind.rawValue), "check": .string(check), "subject": .string(subject),
            "finding": .string(finding), "cure": .string(cure),
        ]
    }

    /// A line, and below it the cure.
    func text(_ palette: Palette) -> String {
        let word = kind.rawValue.padded(to: 8)
        let painted =
            switch kind {
            case .ok: palette.good(word)
            case .warn: palette.doubtful(word)
            case .fail: palette.bad(word)
            case .skipped: palette.faint(word)
            }
        let lines = cure.split(separator: "\n").map {
            "        → \(Output.printable(String($0)))\n"
        }
        return painted + Output.printable("\(check)  \(subject): \(finding)") + "\n"
            + lines.joined()
    }
}

extension Answer {
    /// All verdicts, and their worst as the exit code.
    init(_ verdicts: [Verdict]) {
        func count(_ kind: Verdict.Kind) -> Int { verdicts.count { $0.kind == kind } }
        let status: ExitStatus =
            count(.fail) > 0 ? .no : count(.warn) > 0 ? .failed : .good
        let counts = Verdict.Kind.allCases.map { ($0.rawValue, JSON.integer(count($0))) }
        let json: JSON = [
            "verdicts": .array(verdicts.map(\.json)), "counts": .object(counts),
        ]
        self.init(json: json, status: status) { palette in
            verdicts.map { $0.text(palette) }.joined()
                + "\n\(count(.ok)) ok, \(count(.warn)) warnings, \(count(.fail)) failures, "
                + "\(count(.skipped)) skipped\n"
        }
    }
}
