// SPDX-License-Identifier: Apache-2.0
package import Common

extension ReceptionPolicy {
    /// As a listener and the settings of all listeners want it.
    package init(_ listener: ListenerSettings, _ settings: ReceptionSettings) {
        let authentication: Authentication =
            switch listener.auth {
            case .none: .none
            case .optional: .optional
            case .required: .required
            }
        self.init(
            authentication: authentication,
            acceptsOwnDomainsFromOutside: !settings.rejectOwnDomainsFromOutside)
    }
}
