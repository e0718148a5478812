// SPDX-License-Identifier: Apache-2.0
import Common

/// Certificates and keys: whether they belong together, for whom they are, who trusts them and how long.
enum CertificateCheck {
    /// Days before its end at which a certificate should have been renewed.
    static let warningDays = 14

    static func verdicts(of configuration: Configuration, now: Int) -> [Verdict] {
        configuration.groups.flatMap { group -> [Verdict] in
            let isUsed = configuration.listeners.contains { $0.group == group.name }
            if group.certificates.isEmpty {
                guard isUsed else { return [] }
                return [
                    .warn(
                        "certificate", "group \(group.name)", "has none: no TLS, and so no logins",
                        cure: "name cert and key in UserGroups.\(group.name).sslCert")
                ]
            }
            return group.certificates.enumerated().flatMap { index, files in
                verdicts(of: files, isFirst: index == 0, host: configuration.hostname)
            }
        }
    }

    private static func verdicts(
        of files: CertificateFiles, isFirst: Bool, host: String
    ) -> [Verdict] {
        let credential: TLSCredential
        do throws(ConfigurationError) {
            credential = try files.read()
        } catch {
            return error.problems.map {
                .fail("certificate", files.certificate, $0.problem, cure: $0.advice)
            }
        }
        do throws(Certificate.Fault) {
            let certificate = try Certificate(credential, hosts: [host])
            return [
                expiry(files.certificate, secondsLeft: certificate.secondsLeft),
                trust(files.certificate, certificate.trust),
            ] + name(files.certificate, certificate, isFirst: isFirst, host: host)
        } catch {
            return [fault(error, files)]
        }
    }

    private static func fault(_ fault: Certificate.Fault, _ files: CertificateFiles) -> Verdict {
        switch fault {
        case .noCertificate:
            .fail(
                "certificate", files.certificate, "holds no certificate that can be read",
                cure: "openssl x509 -in \(files.certificate) -noout -text   # says why")
        case .noKey:
            .fail(
                "certificate.key", files.key,
                "holds no key that can be read, or one with a password",
                cure: "openssl pkey -in \(files.key) -out KEY   # without a password; then name it")
        case .wrongKey:
            .fail(
                "certificate.key", files.key, "is not the key of \(files.certificate)",
                cure:
                    "give the pair that was made together, such as certbot's fullchain.pem and privkey.pem"
            )
        }
    }

    /// The judgement on the time that is left.
    static func expiry(_ path: String, secondsLeft: Int) -> Verdict {
        let days = secondsLeft / 86_400
        let cure =
            "certbot renew && systemctl reload wmailserver   # or put a new one there by hand"
        if secondsLeft < 0 {
            return .fail(
                "certificate.expiry", path, "expired \(-days) days ago: clients refuse it",
                cure: cure)
        }
        if days < warningDays {
            return .warn("certificate.expiry", path, "ends in \(days) days", cure: cure)
        }
        return .ok("certificate.expiry", path, "good for \(days) days")
    }

    /// The judgement on the way to an authority.
    static func trust(_ path: String, _ trust: Certificate.Trust) -> Verdict {
        switch trust {
        case .trusted: .ok("certificate.chain", path, "leads to an authority that this host trusts")
        case .selfSigned:
            .warn(
                "certificate.chain", path, "signed by itself: mail programs will not trust it",
                cure:
                    "certbot certonly --standalone -d NAME   # then name fullchain.pem and privkey.pem"
            )
        case .incomplete(let issuer):
            .warn(
                "certificate.chain", path, "the certificate of its issuer is missing: \(issuer)",
                cure:
                    "append the intermediate certificate to the file; certbot's fullchain.pem has it"
            )
        case .other(let reason):
            .warn(
                "certificate.chain", path, reason,
                cure: "openssl verify -untrusted \(path) \(path)   # shows more")
        }
    }

    private static func name(
        _ path: String, _ certificate: Certificate, isFirst: Bool, host: String
    ) -> [Verdict] {
        var verdicts: [Verdict] = []
        if certificate.isFromFuture {
            verdicts.append(
                .fail(
                    "certificate.expiry", path, "is not valid yet",
                    cure: "timedatectl   # is the clock right?"
                ))
        }
        // Further ones are for names that clients ask for.
        guard isFirst else { return verdicts }
        if certificate.covers(host) {
            verdicts.append(.ok("certificate.name", path, "is for \(host)"))
        } else {
            let names =
                certificate.names.isEmpty ? "nobody" : certificate.names.joined(separator: ", ")
            verdicts.append(
                .warn(
                    "certificate.name", path, "is for \(names), and not for \(host)",
                    cure: "get one for \(host), or set hostname to a name that it has"))
        }
        return verdicts
    }
}
