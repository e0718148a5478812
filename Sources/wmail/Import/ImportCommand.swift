// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common

/// `wmail import`: mail of other programs, into mailboxes here.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Brings mailboxes of other programs along, and verifies them.",
        discussion: """
            The source is only read. Each message is written, flushed, read back and compared by its SHA-256. A second \
            run imports nothing twice, not even what was deleted since, and goes on where the first was cut short. It \
            may be used while the server runs. Ends with 2 when something at the source was no message.
            """,
        subcommands: [ImportPython.self, ImportMaildir.self, ImportDovecot.self, ImportMbox.self])
}

/// Where imported messages go.
struct ImportOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The mailbox: a user, group/user or an address.", valueName: "user"))
    var to: String
}

/// `wmail import maildir`.
struct ImportMaildir: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "maildir",
        abstract:
            "A Maildir of any program; file names become POP3 unique ids, as qmail and Courier have them."
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: ImportOptions
    @Argument(help: "The folder with new and cur in it.", completion: .directory) var folder: String

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        let account = try Instance(places).account(named: options.to)
        var source = try MaildirSource(folder)
        return ImportRun.answer([
            try ImportRun(&source, to: account, in: places, showing: Progress())
        ])
    }
}

/// `wmail import dovecot`.
struct ImportDovecot: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "dovecot",
        abstract: "An inbox of Dovecot in Maildir format, keeping POP3 unique ids and order.",
        discussion: "Clients that leave mail on the server then see no message a second time.")

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: ImportOptions
    @Option(
        help: ArgumentHelp(
            "Dovecot's pop3_uidl_format (doveconf pop3_uidl_format).", valueName: "format"))
    var uidlFormat = UIDLFormat.standard
    @Argument(help: "The folder with new, cur and dovecot-uidlist in it.", completion: .directory)
    var folder: String

    func validate() throws {
        guard UIDLFormat(uidlFormat) != nil else {
            throw ValidationError("'\(uidlFormat)' has variables other than %u, %v, %f and %g.")
        }
    }

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        let account = try Instance(places).account(named: options.to)
        guard let format = UIDLFormat(uidlFormat) else {
            throw Failure("unknown format \(uidlFormat)")
        }
        var source = try MaildirSource(folder, dovecot: format)
        return ImportRun.answer([
            try ImportRun(&source, to: account, in: places, showing: Progress())
        ])
    }
}

/// `wmail import mbox`.
struct ImportMbox: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "mbox", abstract: "An mbox file: mboxrd, mboxo, mboxcl or mboxcl2.",
        discussion: """
            Which lines "From " begin a message, and whether "> From" loses its sign, is found out from the dates in those \
            lines and from Content-Length; --quoting says it where that is wrong.
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: ImportOptions
    @Option(help: "How lines that begin with \"From \" are quoted: auto, rd, o or none.")
    var quoting = "auto"
    @Argument(help: "The mbox file.", completion: .file()) var file: String

    func validate() throws {
        guard MboxAssembler.Quoting(rawValue: quoting) != nil else {
            throw ValidationError("'\(quoting)' is none of auto, rd, o, none.")
        }
    }

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        let account = try Instance(places).account(named: options.to)
        var source = try MboxSource(
            file, quoting: MboxAssembler.Quoting(rawValue: quoting) ?? .auto)
        return ImportRun.answer([
            try ImportRun(&source, to: account, in: places, showing: Progress())
        ])
    }
}

extension Instance {
    /// The account that an operator means: `group/user`, an address, or a user's name that only one group has.
    ///
    /// - Throws: ``Failure`` when there is none, or more than one.
    func account(named name: String) throws(Failure) -> AccountName {
        let files = try accounts()
        var found: [AccountName] = []
        for file in files {
            for user in file.users {
                let account = AccountName(group: file.group, user: user.name)
                let isMeant =
                    name == user.name || name == account.description
                    || file.domains.contains {
                        name.lowercased() == "\(user.name)@\($0)".lowercased()
                    }
                if isMeant { found.append(account) }
            }
        }
        switch found.count {
        case 1: return found[0]
        case 0:
            throw Failure(
                "there is no user \(name)",
                cure: "wmail user list shows all; wmail user add makes one")
        default:
            throw Failure(
                "\(name) is a user of several groups",
                cure: "write \(found.map(\.description).joined(separator: " or "))")
        }
    }
}
