// SPDX-License-Identifier: Apache-2.0

/// Which version of the programs this is.
package enum Release {
    /// The number, as the changelog has it.
    package static let version = "0.1.0"
    /// Name and number, for `--version`.
    package static let name = "wMailServer \(version)"
}
