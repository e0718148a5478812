// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// Makes an instance in an empty folder: for this machine alone, without any account, with a certificate for first
/// tests.
struct FirstStart {
    let places: Places
    let hostname: String
    /// The first mail domain; nil for the host's name.
    var mailName: String?
    /// Ports below 1024 are for root.
    let usesWellKnownPorts: Bool
    /// Whom the openssl program runs as; nil for the user of this process.
    let identity: Identity?

    /// Why there is neither a configuration nor a place to make one.
    struct Refusal: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// Whether the instance has to be made.
    ///
    /// - Throws: ``Refusal`` when there is no configuration, yet other things are there; or `SystemError`.
    static func isNeeded(in places: Places) throws -> Bool {
        if access(places.configurationFile, F_OK) == 0 { return false }
        let expected: Set<String> = ["config", "usermanager", "queue", "logs", "lost+found"]
        let strange = try names(in: places.state).subtracting(expected).min()
        // Those that a package installs.
        let installed: Set<String> = ["localMX.json", "error.txt"]
        let present = try names(in: places.configuration).subtracting(installed).min()
        guard let other = strange ?? present else { return true }
        throw Refusal(
            description:
                "there is no \(places.configurationFile), and none is made because the folder is not "
                + "empty (\(other)); master --root DIR names another")
    }

    private static func names(in path: String) throws(SystemError) -> Set<String> {
        do throws(SystemError) {
            return Set(try Folder(path, listable: true).names())
        } catch  where error.code == ENOENT {
            return []
        }
    }

    /// Makes all files that are not there.
    ///
    /// - Throws: `SystemError`, or ``Refusal`` when openssl made no certificate.
    func make() throws {
        for path in [places.state, places.configuration] { try Self.makeFolder(path) }
        let configuration = try Folder(places.configuration)
        try configuration.makeFolder("ssl")
        let credential = try SelfSigned.make(hostname: hostname, identity: identity)
        let ssl = try Folder("ssl", in: configuration)
        try write(credential.key, "key.pem", in: ssl)
        try write(credential.chain, "cert.pem", in: ssl)
        try write(files.localMX, "localMX.json", in: configuration)
        try write(InitialFiles.reportTemplate, "error.txt", in: configuration)

        let state = try Folder(places.state)
        try state.makeFolder("usermanager")
        let userManager = try Folder("usermanager", in: state)
        try userManager.makeFolder("default")
        let group = try Folder("default", in: userManager)
        try write(files.group(), "group.json", in: group)
        // Last: its presence says that the rest is there.
        try write(files.configuration, "config.json", in: configuration)
    }

    private static func makeFolder(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            try check("mkdir", on: path) { mkdir(path, 0o755) }
        } catch  where error.code == EEXIST {
            return
        }
    }

    private func write(
        _ text: String, _ name: String, in folder: borrowing Folder
    ) throws(SystemError) {
        do throws(SystemError) {
            let file = try File(name, in: folder, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try file.write(Array(text.utf8))
            try file.synchronize()
        } catch  where error.code == EEXIST {
            return
        }
    }

    // MARK: Texts

    /// What the operator does next.
    var welcome: String {
        let port = usesWellKnownPorts ? 587 : 2587
        let user = "me@\(mailName ?? hostname)"
        let reload =
            places == .installed
            ? "systemctl daemon-reload; systemctl restart wmailserver.service" : "send SIGHUP"
        return """
            A new instance is in \(places.state). It listens on 127.0.0.1 only and has no account yet. Go on with:

              editor \(places.groupFile("default"))    # add a user as shown there
              swaks --server 127.0.0.1:\(port) --tls -au \(user) -f \(user) -t \(user)
              editor \(places.configurationFile)    # your name, certificate and bindIP; then \(reload)

            """
    }

    /// What the files say.
    private var files: InitialFiles {
        InitialFiles(
            ports: usesWellKnownPorts ? .wellKnown : .demonstration,
            domain: mailName ?? hostname,
            hostname: hostname)
    }
}
