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
    /// - Throws: `SystemError`, or `SelfSigned.Refused` when openssl made no certificate.
    func make() throws {
        try files.write(to: places, hostname: hostname, identity: identity)
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
