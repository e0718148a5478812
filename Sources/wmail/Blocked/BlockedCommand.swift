// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc

/// `wmail blocked`: who is kept out for wrong passwords or command errors.
struct BlockedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blocked", abstract: "Shows and ends blocks of clients.",
        discussion: """
            Blocks are in the memory of the running server; they end by themselves, and with a restart. They hold for an \
            IPv4 address or an IPv6 network of 64 bits.
            """,
        subcommands: [BlockedList.self, BlockedClear.self], defaultSubcommand: BlockedList.self)
}

/// `wmail blocked list`.
struct BlockedList: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists who is blocked, why, and for how long yet.")

    @OptionGroup var common: CommonOptions

    func answer() throws(Failure) -> Answer {
        let blocks = try AdminRequest("list").answers(from: try common.places)
        return Answer(json: .array(blocks)) { palette in
            guard !blocks.isEmpty else { return "Nobody is blocked.\n" }
            var table = Table(["CLIENT", "REASON", "ENDS IN"])
            for block in blocks {
                let user = block["oneUser"]?.boolean == true ? ", one known user" : ""
                table.add([
                    block["network"]?.string ?? "", (block["reason"]?.string ?? "") + user,
                    TimeSpan.text(block["seconds"]?.integer ?? 0),
                ])
            }
            return table.text(palette)
        }
    }
}

/// `wmail blocked clear`.
struct BlockedClear: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear", abstract: "Ends the blocks of an address, or all with --all.",
        discussion: "Ends with 2 when there was none.")

    @OptionGroup var common: CommonOptions
    @Flag(help: "Everybody's.") var all = false
    @Argument(help: "The client's address.") var address: String?

    func validate() throws {
        guard all != (address != nil) else { throw ValidationError("Name an address, or --all.") }
        if let address, SocketAddress(Self.bare(address), port: 0) == nil {
            throw ValidationError("'\(address)' is no address.")
        }
    }

    /// An address as `list` shows it, without the length of its network.
    private static func bare(_ address: String) -> String {
        address.hasSuffix("/64") ? String(address.dropLast(3)) : address
    }

    func answer() throws(Failure) -> Answer {
        let subject = address.map(Self.bare) ?? "all"
        let answers = try AdminRequest("clear \(subject)").answers(from: try common.places)
        let count = answers.first?["cleared"]?.integer ?? 0
        return Answer(json: ["cleared": .integer(count)], status: count > 0 ? .good : .no) { _ in
            count == 1 ? "1 block ended.\n" : "\(count) blocks ended.\n"
        }
    }
}

/// A question to the running server through the socket in its run folder.
struct AdminRequest {
    let words: String

    init(_ words: String) {
        self.words = words
    }

    /// The answers, in the order in which they came.
    ///
    /// - Throws: ``Failure`` when no server runs, or this user may not ask it.
    func answers(from places: Places) throws(Failure) -> [JSON] {
        let link: AdminConnection
        do throws(SystemError) {
            link = try AdminConnection(places.run)
        } catch {
            if error.code == ENOENT || error.code == ECONNREFUSED {
                throw Failure("the server does not run", cure: "wmail status shows it")
            }
            throw Failure(error)
        }
        return try translating { () throws(SystemError) in
            try link.send(words)
            var answers: [JSON] = []
            while let text = try link.receive() {
                if text == "end" { return answers }
                do throws(JSONError) {
                    answers.append(try JSON(parsing: text))
                } catch {
                    throw SystemError("recv", on: "an answer that is no JSON", code: EPROTO)
                }
            }
            throw SystemError("recv", on: "the server's answer", code: ECONNRESET)
        }
    }
}
