// SPDX-License-Identifier: Apache-2.0

/// Values that name hosts and networks.
extension ConfigurationField {
    /// A range of IP addresses.
    func network() -> IPNetwork? {
        guard let text = json.string else { return mismatch("an IP address or range in quotes") }
        if let network = IPNetwork(text) { return network }
        fail(
            "\"\(text)\" is no address or range",
            "give one such as \"192.0.2.0/24\" or \"2001:db8::/32\"")
        return nil
    }

    /// A list of ranges; a single one counts as a list of one.
    func networks() -> [IPNetwork]? {
        json.string == nil ? list { $0.network() } : network().map { [$0] }
    }

    /// An IP address.
    func address() -> SocketAddress? {
        guard let text = json.string else { return mismatch("an IP address in quotes") }
        if let address = SocketAddress(text, port: 0) { return address }
        fail("\"\(text)\" is no IP address", "give one such as \"192.0.2.1\" or \"::1\"")
        return nil
    }

    /// A host name that other hosts may be told (RFC 5321 §4.1.2, Domain).
    func hostName() -> String? {
        guard let text = name() else { return nil }
        guard HostName.isValid(text) else {
            fail("\"\(text)\" is no host name", "give a name such as \"mail.example.org\"")
            return nil
        }
        return text.lowercased()
    }

    /// A host to connect to: a name or an IP address.
    func host() -> String? {
        guard let text = name() else { return nil }
        guard HostName.isValid(text) || SocketAddress(text, port: 0) != nil else {
            fail("\"\(text)\" is no host", "give a name such as \"mail.example.org\" or an address")
            return nil
        }
        return text.lowercased()
    }
}

/// The form of host names and mail domains.
package enum HostName {
    /// Whether a text can be a host name: labels of letters, digits and hyphens (RFC 1123 §2.1), or of UTF-8.
    package static func isValid(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 255 else { return false }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
                && label.unicodeScalars.allSatisfy(isAllowed)
        }
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
        default: scalar.value >= 0xA1
        }
    }
}
