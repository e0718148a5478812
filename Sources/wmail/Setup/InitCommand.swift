// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc

/// `wmail init`: the configuration of a new instance.
struct InitCommand: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Makes a new instance: configuration, certificate, first user.",
        discussion: """
            On a terminal it asks for what no option says. It never overwrites anything that somebody has changed; \
            what a first start of the server has made by itself it replaces. The certificate is signed by itself, for \
            first tests.
            """)

    /// Where the services listen.
    enum Listen: String, CaseIterable, ExpressibleByArgument {
        /// This machine only.
        case loopback
        /// Every address.
        case all

        var addresses: [String] { self == .all ? ["0.0.0.0", "::"] : ["127.0.0.1"] }
    }

    @Option(help: "The mail domain, such as example.org.") var domain: String?
    @Option(help: "This host's name in the DNS; by default the system's, or mail. and the domain.")
    var hostname: String?
    @Option(help: "The first user, such as alice.") var user: String?
    @OptionGroup var password: PasswordOptions
    @Option(
        help: ArgumentHelp(
            "A server that takes mail for other domains; port 587 unless given, 465 with TLS at once.",
            valueName: "host[:port]"))
    var smarthost: String?
    @Option(help: "The login at the smarthost.") var smarthostUser: String?
    @Flag(
        help: """
            Read the password at the smarthost from the standard input: a line, after that of --password-stdin.
            """)
    var smarthostPasswordStdin = false
    @Flag(help: "Mail for other domains goes directly to their servers; the default.")
    var direct = false
    @Option(help: "Where the services listen: loopback (this machine only, the default) or all.")
    var listen: Listen?
    @Option(
        help: ArgumentHelp(
            "The ports of SMTP, SMTP with TLS, submission, POP3, POP3 with TLS.",
            discussion:
                "By default 25,465,587,110,995 for root and 2525,2465,2587,2110,2995 for others.",
            valueName: "list"))
    var ports: String?
    @OptionGroup var common: CommonOptions

    func answer() throws(Failure) -> Answer {
        // Nothing is made before the last answer, not even the folder.
        let isNew = common.root.map { access($0, F_OK) != 0 } ?? false
        let isReplacement = isNew ? false : try Self.examine(common.places)
        let plan = try asked()
        let new = try plan.user.map { user throws(Failure) in
            // Where nobody can be asked the password is made by chance.
            password.passwordStdin || password.generate || Terminal.isThere
                ? try password.password(for: user) : .generated()
        }
        let files = try plan.files(
            smarthostPassword: try smarthostPassword(for: plan.smarthostUser))
        let group = files.group(user: plan.user, password: try new?.hash() ?? "")
        let places = try newPlaces()
        try Self.checkFiles(files, group, places)
        try Interruption.heldBack { _ throws(Failure) in
            if isReplacement {
                try Self.replace(places.groupFile("default"), with: group, in: places)
                try Self.replace(places.configurationFile, with: files.configuration, in: places)
            } else {
                try Self.make(files, group, in: places)
            }
        }
        return Self.answer(plan, places, addresses: Self.publicAddresses(), password: new?.shown)
    }

    // MARK: Where

    /// Like those of other commands, but `--root` may name a folder that is not there yet.
    private func newPlaces() throws(Failure) -> Places {
        if let root = common.root, mkdir(root, 0o755) != 0, errno != EEXIST {
            throw Failure(SystemError("mkdir", on: root))
        }
        return try common.places
    }

    /// Whether there is an instance that a first start has made and nobody has touched.
    ///
    /// - Throws: ``Failure`` when there is one that somebody has made his own.
    private static func examine(_ places: Places) throws(Failure) -> Bool {
        guard access(places.configurationFile, F_OK) == 0 else {
            for path in ["\(places.groupFile("default"))", "\(places.configuration)/ssl/key.pem"]
            where access(path, F_OK) == 0 {
                throw Failure(
                    "there is no \(places.configurationFile), but there is \(path)",
                    cure: "move it away, or give another folder: wmail init --root DIR",
                    status: .no)
            }
            return false
        }
        let untouched = try translating { () throws(SystemError) in
            try InitialFiles.areUntouched(in: places)
        }
        guard untouched else {
            throw Failure(
                "\(places.configurationFile) is there already, and was left as it is",
                cure:
                    "editor \(places.configurationFile)   # or wmail user, domain, alias; then wmail check",
                status: .no)
        }
        return true
    }

    // MARK: What

    /// The options, completed by questions or by defaults.
    private func asked() throws(Failure) -> InitPlan {
        let system = HostFacts.current.hostname
        guard Terminal.isThere else {
            guard let domain else {
                throw Failure(
                    "there is no terminal to ask for the domain",
                    cure: "wmail init --domain example.org --user alice --listen all")
            }
            return try InitPlan(self, domain: domain, system: system)
        }
        var copy = self
        let suggested = system.split(separator: ".").dropFirst().joined(separator: ".")
        let domain = try given(
            domain, "Mail domain", suggesting: suggested.contains(".") ? suggested : "example.org",
            InitPlan.domain)
        copy.hostname = try given(
            hostname, "This host's name in the DNS",
            suggesting: InitPlan.hostname(domain: domain, system: system), InitPlan.hostname)
        copy.user = try given(user, "First user", suggesting: "postmaster") {
            word throws(Failure) in try InitPlan.user(word, of: domain)
        }
        if smarthost == nil, !direct {
            copy.smarthost = try Terminal.ask(
                "Mail for other domains goes directly, or through a smarthost host[:port]",
                suggesting: "direct"
            ) { word throws(Failure) in
                word == "direct" ? nil : (try InitPlan.server(word), word).1
            }
        }
        if let host = copy.smarthost, smarthostUser == nil {
            copy.smarthostUser = try Terminal.ask("Login at \(host)", suggesting: "none") {
                word throws(Failure) in word == "none" ? nil : word
            }
        }
        if listen == nil {
            copy.listen = try Terminal.ask(
                "Listen on all addresses, or loopback only", suggesting: "all"
            ) { word throws(Failure) in
                guard let value = Listen(rawValue: word) else {
                    throw Failure("\"\(word)\" is neither all nor loopback")
                }
                return value
            }
        }
        return try InitPlan(copy, domain: domain, system: system)
    }

    /// What an option says, or else the answer to a question.
    private func given(
        _ option: String?, _ question: String, suggesting suggestion: String,
        _ understand: (String) throws(Failure) -> String
    ) throws(Failure) -> String {
        if let option { return try understand(option) }
        return try Terminal.ask(question, suggesting: suggestion, understand)
    }

    private func smarthostPassword(for user: String?) throws(Failure) -> String {
        if smarthostPasswordStdin {
            guard let line = readLine(), !line.isEmpty else {
                throw Failure("the standard input has no password for the smarthost")
            }
            return line
        }
        if let user, Terminal.isThere {
            return try Terminal.hiddenLine("Password of \(user) at the smarthost: ")
        }
        guard user == nil else {
            throw Failure(
                "the smarthost's password is missing",
                cure: "--smarthost-password-stdin, with the password on the standard input")
        }
        return ""
    }

    /// What the server would say of the files, before they are there.
    private static func checkFiles(
        _ files: InitialFiles, _ group: String, _ places: Places
    ) throws(Failure) {
        do throws(ConfigurationError) {
            _ = try ConfigurationFile.read(
                Array(files.configuration.utf8), file: places.configurationFile, places: places)
            _ = try AccountFile.read(
                Array(group.utf8), group: "default", path: places.groupFile("default"))
        } catch {
            throw Failure(error.description, cure: "choose another name", status: .no)
        }
    }

    // MARK: Making it

    private static func make(
        _ files: InitialFiles, _ group: String, in places: Places
    ) throws(Failure) {
        do {
            try files.write(to: places, hostname: files.hostname ?? files.domain, group: group)
        } catch let error as SystemError {
            throw Failure(error)
        } catch {
            throw Failure("\(error)", cure: "apt install openssl")
        }
    }

    private static func replace(
        _ path: String, with text: String, in places: Places
    ) throws(Failure) {
        try Instance(places).changeFile(path) { editor throws(Failure) in
            do throws(JSONError) {
                editor = try JSONEditor(Array(text.utf8))
            } catch {
                throw Failure("\(path): \(error)")
            }
        }
    }
}
