// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Certificates for first tests, made by the openssl program, so that master needs no libssl.
package enum SelfSigned {
    /// openssl made no certificate.
    package struct Refused: Error, Equatable, CustomStringConvertible {
        /// What it ended with.
        package let description: String
    }

    private static let program = "/usr/bin/openssl"

    /// A P-256 key with a certificate of its own for the host, good for ten years.
    ///
    /// - Throws: `SystemError`, or ``Refused``.
    package static func make(hostname: String, identity: Identity?) throws -> TLSCredential {
        // The key never touches a disk but where it is meant to be: openssl writes into memory that only we share.
        let settings = try FileDescriptor.sealedMemory(
            Array(requestText(hostname).utf8), name: "openssl.cnf")
        let key = try memory("key")
        let certificate = try memory("certificate")
        let child = try ChildProcess.start(
            program,
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                "-batch", "-days", "3650", "-config", "/dev/fd/3", "-keyout", "/dev/fd/4", "-out",
                "/dev/fd/5",
            ],
            descriptors: [settings.number, key.number, certificate.number], identity: identity)
        let end = try ChildProcess.wait(for: child)
        let credential = TLSCredential(
            chain: String(decoding: try certificate.readAll(), as: UTF8.self),
            key: String(decoding: try key.readAll(), as: UTF8.self))
        guard end == .exited(0), credential.chain.contains("CERTIFICATE-----"),
            credential.key.contains("PRIVATE KEY-----")
        else {
            throw Refused(description: "\(program) made no certificate: \(end)")
        }
        return credential
    }

    private static func memory(_ name: String) throws(SystemError) -> File {
        File(try FileDescriptor.memory(name: name), path: name)
    }

    /// Instead of the system's openssl.cnf, which may say anything.
    private static func requestText(_ hostname: String) -> String {
        """
        [req]
        prompt = no
        distinguished_name = name
        x509_extensions = extensions
        [name]
        CN = \(hostname.prefix(64))
        [extensions]
        basicConstraints = critical, CA:FALSE
        keyUsage = critical, digitalSignature
        extendedKeyUsage = serverAuth
        subjectAltName = DNS:\(hostname), DNS:localhost, IP:127.0.0.1, IP:::1

        """
    }
}
