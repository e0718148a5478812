// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One entry of `UserGroups`.
package struct GroupSettings: Equatable, Sendable {
    /// The name of its folder in `usermanager/`.
    package var name: String
    /// `errorPath`: the template of the human part of reports; nil for the built-in one.
    package var reportTemplate: ReportTemplate?
    /// `sslCert` and `moreCerts`; empty when the group has no TLS.
    package var certificates: [CertificateFiles]

    /// With every value given.
    package init(
        name: String, reportTemplate: ReportTemplate? = nil, certificates: [CertificateFiles] = []
    ) {
        self.name = name
        self.reportTemplate = reportTemplate
        self.certificates = certificates
    }
}

/// Where a setting stands, for problems that show only later.
package struct ConfigurationOrigin: Equatable, Sendable {
    /// The file's path.
    package let file: String
    /// From 1.
    package let line: Int
    /// From 1.
    package let column: Int
    /// The keys that lead there, joined by dots.
    package let key: String

    init(_ field: ConfigurationField) {
        file = field.report.file
        line = field.place.line
        column = field.place.column
        key = field.path
    }

    /// A problem with the setting.
    package func problem(_ problem: String, _ advice: String = "") -> ConfigurationProblem {
        ConfigurationProblem(
            file: file, line: line, column: column, key: key, problem: problem, advice: advice)
    }
}

/// One entry of `sslCert`: the files of a certificate.
package struct CertificateFiles: Equatable, Sendable {
    /// `cert`: PEM, the certificate and perhaps those that lead to its authority.
    package var certificate: String
    /// `key`: PEM, without a password.
    package var key: String
    /// `ca`: more certificates on the way to the authority; the Python program never read it.
    package var authority: String?
    /// Where the files are named.
    package var origin: ConfigurationOrigin

    /// With every value given.
    package init(
        certificate: String, key: String, authority: String?, origin: ConfigurationOrigin
    ) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
        self.origin = origin
    }

    /// Reads the files; called by whoever may read keys, before it gives that right up.
    ///
    /// A `ca` that does not exist is passed over: every old file names one, and nothing ever read it.
    ///
    /// - Throws: What is wrong, at the place of the setting.
    package func read() throws(ConfigurationError) -> TLSCredential {
        var chain = try text(of: certificate, key: "cert", holding: "CERTIFICATE-----")
        if let authority, Self.exists(authority) {
            let more = try text(of: authority, key: "ca", holding: "CERTIFICATE-----")
            if !chain.contains(more) { chain += chain.hasSuffix("\n") ? more : "\n\(more)" }
        }
        return TLSCredential(
            chain: chain, key: try text(of: key, key: "key", holding: "PRIVATE KEY-----"))
    }

    private static func exists(_ path: String) -> Bool {
        do throws(SystemError) {
            _ = try File(path: path)
            return true
        } catch {
            return error.code != ENOENT
        }
    }

    private func text(
        of path: String, key: String, holding mark: String
    ) throws(ConfigurationError) -> String {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File(path: path).readAll(limit: 1 << 20)
        } catch {
            throw ConfigurationError(
                origin.problem(
                    "\(key) \(path) cannot be read: \(error.reason)",
                    "make the file, or correct the path; relative paths begin at the root folder"))
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.contains(mark) else {
            throw ConfigurationError(
                origin.problem("\(key) \(path) holds no \(mark.dropLast(5))", "give a PEM file"))
        }
        return text
    }
}
