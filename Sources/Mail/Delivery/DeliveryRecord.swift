// SPDX-License-Identifier: Apache-2.0

/// One recipient's outcome with the circumstances, as the queue remembers it and reports tell it.
package struct DeliveryRecord: Equatable, Sendable {
    package var outcome: Outcome
    /// The server that was spoken to, as `name [address]:port`; empty when none was.
    package var host: String
    /// TLS version and cipher; empty without TLS.
    package var tls: String
    /// Whether the server takes over the duty to report (RFC 3461 §5.2.1).
    package var takesOverReports: Bool
    /// Why a well-known server refuses, in plain words and with what helps; empty when nothing is known.
    package var cause: String

    package init(
        _ outcome: Outcome, host: String = "", tls: String = "", takesOverReports: Bool = false,
        cause: String = ""
    ) {
        self.outcome = outcome
        self.host = host
        self.tls = tls
        self.takesOverReports = takesOverReports
        self.cause = cause
    }
}
