// SPDX-License-Identifier: Apache-2.0

/// `localMX.json`: domains whose mail goes to hosts that the operator names instead of the DNS.
package struct LocalMX: Equatable, Sendable {
    /// Where the mail of a domain and its subdomains goes.
    package struct Route: Equatable, Sendable {
        /// In lower case, without a dot at its end.
        package let domain: String
        /// `smtp` or `mx`: tried in order.
        package let hosts: [String]
        /// `ports`: tried in order at each host, 465 with TLS from the first octet; empty for `directPorts`.
        package let ports: [UInt16]

        /// A route of a domain.
        package init(domain: String, hosts: [String], ports: [UInt16] = []) {
            self.domain = domain
            self.hosts = hosts
            self.ports = ports
        }
    }

    /// In the order of the file.
    package let routes: [Route]

    /// A table; empty where there is no file.
    package init(routes: [Route] = []) {
        self.routes = routes
    }

    /// The route of a domain: its own, else that of the longest domain that it lies in.
    package func route(for domain: String) -> Route? {
        var name = domain.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        if let exact = routes.first(where: { $0.domain == name }) { return exact }
        return routes.filter { name.hasSuffix(".\($0.domain)") }
            .max { $0.domain.utf8.count < $1.domain.utf8.count }
    }
}

extension LocalMX {
    /// For a slice.
    package var json: JSON {
        .array(
            routes.map { route in
                [
                    "domain": .string(route.domain), "hosts": .strings(route.hosts),
                    "ports": .array(route.ports.map { .integer(Int($0)) }),
                ]
            })
    }

    /// What ``json`` wrote.
    package init(json: JSON) throws(JSONMismatch) {
        let object: JSON = ["routes": json]
        routes = try object.list(at: "routes") { element throws(JSONMismatch) in
            Route(
                domain: try element.string(at: "domain"), hosts: try element.strings(at: "hosts"),
                ports: try element.ports(at: "ports"))
        }
    }
}
