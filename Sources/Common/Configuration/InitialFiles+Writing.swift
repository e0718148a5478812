// SPDX-License-Identifier: Apache-2.0
import Glibc

extension InitialFiles {
    /// Makes all files of a new instance that are not there, or none, with a certificate for first tests.
    ///
    /// - Parameters:
    ///   - places: Where.
    ///   - hostname: For the certificate.
    ///   - identity: Whom the openssl program runs as; nil for the user of this process.
    ///   - groupText: The text of `group.json`; nil for one without users.
    /// - Throws: `SystemError`, or ``SelfSigned/Refused`` when openssl made no certificate.
    package func write(
        to places: Places, hostname: String, identity: Identity? = nil,
        group groupText: String? = nil
    ) throws {
        var made: [String] = []
        do {
            try write(
                to: places, hostname: hostname, identity: identity,
                groupText: groupText ?? self.group(), made: &made)
        } catch {
            // Half an instance would be taken for somebody's own at the next try.
            for path in made { unlink(path) }
            rmdir("\(places.configuration)/ssl")
            throw error
        }
    }

    private func write(
        to places: Places, hostname: String, identity: Identity?, groupText: String,
        made: inout [String]
    ) throws {
        for path in [places.state, places.configuration] { try Self.makeFolder(path) }
        let configuration = try Folder(places.configuration)
        try configuration.makeFolder("ssl")
        let credential = try SelfSigned.make(hostname: hostname, identity: identity)
        let ssl = try Folder("ssl", in: configuration)
        try write(credential.key, "key.pem", in: ssl, &made)
        try write(credential.chain, "cert.pem", in: ssl, &made)
        try write(localMX, "localMX.json", in: configuration, &made)
        try write(Self.reportTemplate, "error.txt", in: configuration, &made)

        let state = try Folder(places.state)
        try state.makeFolder("usermanager")
        let userManager = try Folder("usermanager", in: state)
        try userManager.makeFolder("default")
        let group = try Folder("default", in: userManager)
        try write(groupText, "group.json", in: group, &made)
        // Last: its presence says that the rest is there.
        try write(self.configuration, "config.json", in: configuration, &made)
    }

    private static func makeFolder(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            try check("mkdir", on: path) { mkdir(path, 0o755) }
        } catch  where error.code == EEXIST {
            return
        }
    }

    private func write(
        _ text: String, _ name: String, in folder: borrowing Folder, _ made: inout [String]
    ) throws(SystemError) {
        do throws(SystemError) {
            let file = try File(name, in: folder, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            made.append(file.path)
            try file.write(Array(text.utf8))
            try file.synchronize()
        } catch  where error.code == EEXIST {
            return
        }
    }

    /// Whether an instance is as a first start made it: nobody has touched its configuration or its group.
    ///
    /// - Throws: `SystemError` when that cannot be read.
    package static func areUntouched(in places: Places) throws(SystemError) -> Bool {
        let text = String(
            decoding: try File(path: places.configurationFile).readAll(limit: 4 << 20),
            as: UTF8.self)
        let group = String(
            decoding: try File(path: places.groupFile("default")).readAll(limit: 64 << 20),
            as: UTF8.self)
        let domain: String?
        let hostname: String?
        do throws(JSONError) {
            domain = try JSON(parsing: Array(group.utf8))["bindDomains"]?[0]?.string
            hostname = try JSON(parsing: Array(text.utf8))["hostname"]?.string
        } catch {
            return false
        }
        guard let domain else { return false }
        return [Ports.wellKnown, .demonstration].contains { ports in
            let files = Self(ports: ports, domain: domain, hostname: hostname)
            return files.configuration == text && files.group() == group
        }
    }
}
