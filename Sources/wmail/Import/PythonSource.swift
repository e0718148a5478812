// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// The mailbox of a user of the Python program: `<16 characters>/content.txt` and `mail.json` for each message.
///
/// Its lines end with LF, and dots at their beginnings are still doubled, as it received them.
struct PythonSource: MessageSource, ~Copyable {
    private struct Item {
        let name: String
        let id: String
        let arrived: Int
    }

    private let folder: Folder
    private let items: [Item]
    private var unusable: [Found]
    private var position = 0
    private var last: UInt64 = 0

    var count: Int? { items.count + unusable.count }

    /// Lists a user's folder.
    ///
    /// - Throws: ``Failure`` when it cannot be listed.
    init(_ path: String) throws(Failure) {
        let folder = try translating { () throws(SystemError) in try Folder(path, listable: true) }
        let names = try translating { () throws(SystemError) in try folder.names() }
        var items: [Item] = []
        var unusable: [Found] = []
        for name in names.sorted()
        where name.utf8.count == 16 && name.utf8.allSatisfy(Self.isLetter) {
            do throws(SystemError) {
                guard try folder.status(of: name).isFolder else { continue }
                items.append(try Self.item(name, in: folder))
            } catch {
                unusable.append(.unusable(name: name, reason: error.reason))
            }
        }
        self.folder = folder
        self.items = items.sorted { ($0.arrived, $0.name) < ($1.arrived, $1.name) }
        self.unusable = unusable
    }

    private static func item(_ name: String, in folder: borrowing Folder) throws(SystemError)
        -> Item
    {
        let message = try Folder(name, in: folder)
        let modified = try message.status(of: "content.txt").modified
        var facts: JSON?
        do throws(SystemError) {
            let bytes = try File("mail.json", in: message).readAll(limit: 1 << 20)
            facts = Self.json(bytes)
        } catch  where error.code == ENOENT {
            // The program died between the two files; the message is there.
            facts = nil
        }
        return Item(
            name: name, id: facts?["id"]?.string ?? name,
            arrived: facts?["timestamp"]?.integer ?? modified)
    }

    /// Nil for what is no JSON: a file that was cut short.
    private static func json(_ bytes: [UInt8]) -> JSON? {
        do throws(JSONError) {
            return try JSON(parsing: bytes)
        } catch {
            return nil
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    mutating func next() throws(Failure) -> Found? {
        if let found = unusable.popLast() { return found }
        guard position < items.count else { return nil }
        let item = items[position]
        position += 1
        let bytes = try translating { () throws(SystemError) in
            try File("\(item.name)/content.txt", in: folder).readAll(limit: 1 << 31)
        }
        if let reason = Self.fault(in: bytes) { return .unusable(name: item.name, reason: reason) }
        let content = ForeignMessage.withCRLF(ForeignMessage.withoutStuffing(bytes))
        last = max(last + 1, UInt64(max(0, item.arrived)) * 1_000_000)
        return .message(
            ForeignMessage(
                key: "python:\(item.id)", content: content, arrived: last, uniqueID: item.id,
                flags: nil))
    }

    /// What the program did instead of storing the message, for all recipients but the first.
    static func fault(in bytes: [UInt8]) -> String? {
        if bytes.isEmpty { return "it is empty" }
        let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
        guard bytes.count < 4096, !text.contains("\n"), text.hasSuffix(".eml"),
            text.contains("wmail_")
        else { return nil }
        return "the Python program stored only the name of its temporary file here, not the message"
    }
}
