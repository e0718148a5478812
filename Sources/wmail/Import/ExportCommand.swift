// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Glibc
import Mail

/// `wmail export`: a mailbox as one mbox file.
struct ExportCommand: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a mailbox as an mbox file (mboxrd) that every mail program reads.",
        discussion: """
            The mailbox stays as it is, and the server may run. Lines that begin with "From " get a > in front, which \
            wmail import mbox takes away again: it gives back the same messages.
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The mailbox: a user, group/user or an address.") var user: String
    @Argument(help: "The new file.", completion: .file()) var file: String

    func answer() throws(Failure) -> Answer {
        let places = try common.places
        let account = try Instance(places).account(named: user)
        guard let maildir = Maildir(account) else { throw Failure("\(account) has no mailbox") }
        return try translating { () throws(SystemError) in
            let folder = try Folder("\(places.userManager)/\(maildir.path)")
            let (messages, size) = try Self.write(folder, to: file, named: "\(account)")
            return Answer(
                json: [
                    "account": .string("\(account)"), "messages": .integer(messages),
                    "octets": .integer(size), "file": .string(file),
                ]
            ) { _ in "\(account): \(messages) messages, \(sizeText(size)) octets in \(file)\n" }
        }
    }
}

extension ExportCommand {
    /// Writes the file; where that fails, none is left.
    ///
    /// - Returns: Messages and octets.
    private static func write(
        _ mailbox: borrowing Folder, to path: String, named name: String
    ) throws(SystemError) -> (messages: Int, octets: Int) {
        let output = try File(path: path, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        let progress = Progress()
        defer { progress.end() }
        var (count, octets) = (0, 0)
        do throws(SystemError) {
            let listing = try MailboxListing(mailbox)
            progress.begin(name, of: listing.items.count)
            for item in listing.items {
                progress.advance()
                guard let content = try listing.content(of: item, in: mailbox) else { continue }
                let entry = MboxWriter.entry(content, arrived: item.arrived)
                try output.write(entry)
                count += 1
                octets += entry.count
            }
            try output.synchronize()
        } catch {
            unlink(path)
            throw error
        }
        return (count, octets)
    }
}

/// The messages of a mailbox in the order of their arrival, told by the file names.
struct MailboxListing {
    /// A message's file.
    struct Item: Sendable {
        let path: String
        let base: String
        /// Microseconds since 1970.
        let arrived: UInt64
    }

    let items: [Item]

    /// Lists `new` and `cur`; folders that are not there are empty.
    ///
    /// - Throws: `SystemError` of openat(2) or readdir(3).
    init(_ maildir: borrowing Folder) throws(SystemError) {
        var items: [Item] = []
        for place in ["new", "cur"] {
            do throws(SystemError) {
                for text in try Folder(place, in: maildir, listable: true).names()
                where text.first != "." {
                    let name = MaildirName(text)
                    let seconds = UInt64(text.prefix { $0.isASCII && $0.isNumber }) ?? 0
                    items.append(
                        Item(
                            path: "\(place)/\(text)", base: name.base,
                            arrived: name.queueID?.microseconds ?? min(seconds, 1 << 40) * 1_000_000
                        ))
                }
            } catch  where error.code == ENOENT {
                continue
            }
        }
        self.items = items.sorted { ($0.arrived, $0.base) < ($1.arrived, $1.base) }
    }

    /// A message; nil when it is gone meanwhile.
    ///
    /// - Throws: `SystemError` of openat(2) or pread(2).
    func content(of item: Item, in maildir: borrowing Folder) throws(SystemError) -> [UInt8]? {
        // A mail program may have moved it from new to cur since the listing.
        for path in [item.path, "cur/\(item.base):2,", "cur/\(item.base):2,S"] {
            do throws(SystemError) {
                return try File(path, in: maildir).readAll(limit: 1 << 31)
            } catch  where error.code == ENOENT {
                continue
            }
        }
        return nil
    }
}

/// Writes mboxrd.
enum MboxWriter {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// A message with its `From ` line in front and an empty line behind, with LF at the ends of lines.
    static func entry(_ content: [UInt8], arrived: UInt64) -> [UInt8] {
        let sender = QueueView.returnPath(in: Array(content.prefix(1024)))
        let isPlain = !sender.isEmpty && sender.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        var result = Array(
            "From \(isPlain ? sender : "MAILER-DAEMON") \(date(Int(arrived / 1_000_000)))\n".utf8)
        result.reserveCapacity(content.count + 100)
        for line in content.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast(
            content.last == 0x0A ? 1 : 0)
        {
            let text = line.last == 0x0D ? line.dropLast() : line
            if text.drop(while: { $0 == UInt8(ascii: ">") }).starts(with: "From ".utf8) {
                result.append(UInt8(ascii: ">"))
            }
            result += text
            result.append(0x0A)
        }
        result.append(0x0A)
        return result
    }

    /// A time as asctime(3) writes it, in UTC.
    static func date(_ seconds: Int) -> String {
        let text = Timestamp.text(seconds)
        let parts = text.split { "-T:Z".contains($0) }.map(String.init)
        let month = months[(Int(parts[1]) ?? 1) - 1]
        let day = parts[2].hasPrefix("0") ? " \(parts[2].dropFirst())" : parts[2]
        return
            "\(weekdays[seconds / 86_400 % 7]) \(month) \(day) \(parts[3]):\(parts[4]):\(parts[5]) \(parts[0])"
    }
}
