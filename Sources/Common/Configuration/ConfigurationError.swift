// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One thing in a configuration file that is wrong or that does not do what it seems to.
package struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    /// The file's path.
    package let file: String
    /// From 1; 0 when the problem is the file's as a whole.
    package let line: Int
    /// From 1; 0 when the problem is the file's as a whole.
    package let column: Int
    /// The keys that lead there, joined by dots; empty when the problem is the file's as a whole.
    package let key: String
    /// What is wrong.
    package let problem: String
    /// What to do about it; empty when that is plain.
    package let advice: String

    /// A problem at a place.
    package init(
        file: String, line: Int, column: Int, key: String, problem: String, advice: String = ""
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.problem = problem
        self.advice = advice
    }

    /// One line: file, line, column, key, what is wrong, what to do.
    package var description: String {
        let place = line > 0 ? "\(file):\(line):\(column)" : file
        let subject = key.isEmpty ? place : "\(place): \(key)"
        return "\(subject): \(problem)\(advice.isEmpty ? "" : "; \(advice)")"
    }
}

/// A configuration that cannot be used, with everything that is wrong in it.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// In the order of the file; never empty.
    package let problems: [ConfigurationProblem]

    /// Several problems, at least one.
    package init(_ problems: [ConfigurationProblem]) {
        self.problems = problems
    }

    /// One problem.
    package init(_ problem: ConfigurationProblem) {
        problems = [problem]
    }

    /// A file that could not be read.
    package init(_ error: SystemError, file: String, advice: String = "") {
        self.init(
            ConfigurationProblem(
                file: file, line: 0, column: 0, key: "", problem: "cannot be read: \(error.reason)",
                advice: error.code == EACCES
                    ? "run it as root, or as the owner of the instance" : advice))
    }

    /// A file that is no JSON.
    package init(_ error: JSONError, file: String) {
        self.init(
            ConfigurationProblem(
                file: file, line: error.line, column: error.column, key: "", problem: error.message)
        )
    }

    /// A line per problem.
    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}
