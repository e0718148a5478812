// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// The messages of a Maildir: of any program, or of Dovecot with its list of numbers.
struct MaildirSource: MessageSource, ~Copyable {
    private struct Item {
        let place: String
        let name: String
        let base: String
        var uniqueID: String?
        var order: UInt64
    }

    private let folder: Folder
    private var items: [Item]
    private var position = 0
    private var last: UInt64 = 0

    var count: Int? { items.count }

    /// Lists the folder.
    ///
    /// - Parameters:
    ///   - path: The folder with `new` and `cur`.
    ///   - format: `pop3_uidl_format`, to keep Dovecot's unique ids; nil for a Maildir of another program, whose ids are
    ///     the file names.
    /// - Throws: ``Failure`` when it is no Maildir, or of Dovecot and without a list.
    init(_ path: String, dovecot format: UIDLFormat? = nil) throws(Failure) {
        let folder = try translating { () throws(SystemError) in try Folder(path) }
        var items: [Item] = []
        for place in ["new", "cur"] {
            let names: [String]
            do throws(SystemError) {
                names = try Folder(place, in: folder, listable: true).names()
            } catch {
                guard error.code == ENOENT else { throw Failure(error) }
                throw Failure(
                    "\(path) is no Maildir: it has no folder \(place)",
                    cure: "name the folder that has new and cur in it")
            }
            for name in names where name.first != "." {
                let base = String(name.prefix { $0 != ":" })
                let arrival = UInt64(base.prefix { $0.isASCII && $0.isNumber }) ?? 0
                items.append(
                    Item(
                        place: place, name: name, base: base, uniqueID: base,
                        order: min(arrival, 1 << 40)))
            }
        }
        if let format {
            let list = try Self.list(in: folder, path)
            for index in items.indices {
                let entry = list.entries[items[index].base]
                items[index].uniqueID = entry.map {
                    format.text($0, validity: list.uidValidity, fileName: items[index].base)
                }
                // What Dovecot has not numbered yet comes behind what it has.
                items[index].order = UInt64(entry?.order ?? entry?.uid ?? .max)
            }
        }
        self.folder = folder
        self.items = items.sorted { ($0.order, $0.base) < ($1.order, $1.base) }
    }

    private static func list(in folder: borrowing Folder, _ path: String) throws(Failure)
        -> DovecotUIDList
    {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File("dovecot-uidlist", in: folder).readAll(limit: 1 << 30)
        } catch {
            guard error.code == ENOENT else { throw Failure(error) }
            throw Failure(
                "\(path) has no dovecot-uidlist, so the unique ids that clients know are not known",
                cure:
                    "name Dovecot's mail folder; wmail import maildir imports without keeping unique ids"
            )
        }
        guard let list = DovecotUIDList(String(decoding: bytes, as: UTF8.self)) else {
            throw Failure("\(path)/dovecot-uidlist cannot be read: its version is neither 1 nor 3")
        }
        return list
    }

    mutating func next() throws(Failure) -> Found? {
        guard position < items.count else { return nil }
        let item = items[position]
        position += 1
        do throws(SystemError) {
            let file = try File(
                "\(item.place)/\(item.name)", in: folder, flags: O_RDONLY | O_NONBLOCK)
            guard try file.status().isRegularFile else {
                return .unusable(name: item.name, reason: "it is not a regular file")
            }
            let content = ForeignMessage.withCRLF(try file.readAll(limit: 1 << 31))
            guard !content.isEmpty else { return .unusable(name: item.name, reason: "it is empty") }
            return .message(message(item, content, modified: try file.status().modified))
        } catch {
            if error.code == ENOENT {
                return .unusable(name: item.name, reason: "it went away meanwhile")
            }
            throw Failure(error)
        }
    }

    private mutating func message(_ item: Item, _ content: [UInt8], modified: Int) -> ForeignMessage
    {
        let seconds = UInt64(item.base.prefix { $0.isASCII && $0.isNumber }).flatMap {
            $0 < 1 << 33 ? $0 : nil
        }
        last = max(last + 1, (seconds ?? UInt64(max(0, modified))) * 1_000_000)
        var flags: String?
        if item.place == "cur" {
            flags = String(
                item.name[item.name.index(item.name.startIndex, offsetBy: item.base.count)...])
            flags =
                flags?.hasPrefix(":2,") == true
                ? String(flags?.dropFirst(3).filter { "DFPRST".contains($0) } ?? "") : ""
        }
        return ForeignMessage(
            key: "maildir:\(item.base)", content: content, arrived: last, uniqueID: item.uniqueID,
            flags: flags)
    }
}
