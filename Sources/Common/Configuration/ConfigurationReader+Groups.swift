// SPDX-License-Identifier: Apache-2.0
import Glibc

/// `UserGroups`.
extension ConfigurationReader {
    func groups(_ field: ConfigurationField?) -> [GroupSettings] {
        guard let entries = field?.entries() else { return [] }
        var groups: [GroupSettings] = []
        for entry in entries {
            if let advice = FolderName.fault(in: entry.key) {
                entry.fail("\"\(entry.key)\" cannot be the name of a folder", advice)
            }
            let group = entry.section { section in
                var group = GroupSettings(name: entry.key)
                group.reportTemplate = section["errorPath"].flatMap(reportTemplate)
                if let files = section["sslCert"].flatMap(certificate) {
                    group.certificates.append(files)
                }
                group.certificates += section["moreCerts"]?.list(certificate) ?? []
                return group
            }
            groups.append(group ?? GroupSettings(name: entry.key))
        }
        return groups
    }

    private func certificate(_ field: ConfigurationField) -> CertificateFiles? {
        field.section { section in
            let certificate = section["cert"]?.name()
            let key = section["key"]?.name()
            let authority = section["ca"]?.text().flatMap { $0.isEmpty ? nil : $0 }
            guard let certificate, let key else {
                // Old files that never used TLS may hold empty names; both or none.
                if certificate != nil || key != nil {
                    section.fail("names only one of cert and key", "give both")
                }
                return nil
            }
            return CertificateFiles(
                certificate: places.resolve(certificate), key: places.resolve(key),
                authority: authority.map(places.resolve), origin: ConfigurationOrigin(field))
        }
    }

    /// A template that is not there is no reason to stay down: the built-in one serves.
    private func reportTemplate(_ field: ConfigurationField) -> ReportTemplate? {
        guard let path = field.text(), !path.isEmpty else { return nil }
        let resolved = places.resolve(path)
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File(path: resolved).readAll(limit: 1 << 20)
        } catch {
            field.warn(
                "\(resolved) cannot be read: \(error.reason)",
                "reports use the built-in text until it can")
            return nil
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            field.fail("\(resolved) is not UTF-8", "save it as UTF-8")
            return nil
        }
        return ReportTemplate(text)
    }
}

/// Names of groups and users, which become names of folders.
package enum FolderName {
    /// What is wrong with a name, as advice; nil when it is good.
    ///
    /// Also no `@`, which parts user and domain in a login, and no `,` and `:`, which mean something in Maildir
    /// and queue names.
    package static func fault(in name: String) -> String? {
        if name.isEmpty { return "a name has at least one character" }
        if name.utf8.count > 64 { return "a name has at most 64 octets" }
        if name.hasPrefix(".") || name.hasPrefix("-") {
            return "a name begins with no dot or hyphen"
        }
        for scalar in name.unicodeScalars {
            switch scalar {
            case "/", "\\", "@", ":", ",", "\"", "<", ">", " ":
                return "\"\(scalar)\" is not allowed in a name"
            default:
                if scalar.value < 0x20 || (0x7F...0xA0).contains(scalar.value)
                    || scalar.properties.isWhitespace
                {
                    return "spaces and control characters are not allowed in a name"
                }
            }
        }
        return nil
    }
}
