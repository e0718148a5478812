// SPDX-License-Identifier: Apache-2.0
import Common

/// What master's command line asks for.
enum Options: Equatable {
    case run(root: String?)
    case check(root: String?)
    /// Make what is missing, set rights, check; for a service manager that then starts master without root.
    case prepare(root: String?)
    /// Write systemd's socket units into two of a generator's folders (systemd.generator(7)).
    case sockets(normal: String, early: String)
    case version
    case help

    /// A command line that cannot be understood.
    struct Mistake: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// From the words after the program's name.
    init(_ words: [String]) throws(Mistake) {
        var root: String?
        var isCheck = false
        var isPreparation = false
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--root":
                guard let value = rest.popFirst(), !value.isEmpty else {
                    throw Mistake(description: "--root needs a folder")
                }
                root = value
            case _ where word.hasPrefix("--root="): root = String(word.dropFirst(7))
            case "--check": isCheck = true
            case "--prepare": isPreparation = true
            case "--sockets":
                guard rest.count >= 2, let normal = rest.popFirst(), let early = rest.popFirst()
                else { throw Mistake(description: "--sockets needs two folders") }
                self = .sockets(normal: normal, early: early)
                return
            case "--version":
                self = .version
                return
            case "--help", "-h":
                self = .help
                return
            default:
                throw Mistake(description: "unknown option \(word); master --help lists them")
            }
        }
        if isCheck, isPreparation {
            throw Mistake(description: "--check and --prepare exclude each other")
        }
        self =
            isCheck
            ? .check(root: root) : isPreparation ? .prepare(root: root) : .run(root: root)
    }

    static let helpText = """
        usage: master [--root DIR] [--check | --prepare]

        Runs the mail server: reads the configuration, opens the ports, starts the workers and keeps them running.

          --root DIR   the folder with config/, usermanager/ and queue/; by default the current one when it
                       has config/config.json, else /etc/wmailserver and /var/lib/wmailserver
          --check      only read and check the configuration
          --prepare    only make what is missing, set the rights of all folders, and check
          --sockets NORMAL EARLY
                       write systemd's socket units for the installed configuration into a generator's folders
          --version    print the version
          --help       print this

        SIGHUP makes it read the configuration again, SIGTERM ends it.

        """

    static let versionText = "\(Release.name)\n"
}
