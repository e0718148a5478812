// SPDX-License-Identifier: Apache-2.0

/// One event of the log, as the server wrote it or journalctl(1) shows it.
struct LogLine: Equatable, Sendable {
    /// What stands before `event=`: time, host, program, as the source has it.
    let prefix: String
    let event: String
    /// In the order of the line, without `event`.
    let fields: [(name: String, value: String)]

    /// The first value of a name.
    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    static func == (left: Self, right: Self) -> Bool {
        left.prefix == right.prefix && left.event == right.event
            && left.fields.elementsEqual(right.fields) { $0 == $1 }
    }

    /// Reads a line; nil for one without an event.
    init?(_ line: some StringProtocol) {
        let octets = Array(line.utf8)
        let mark = Array("event=".utf8)
        guard octets.count > mark.count,
            let start = (0...(octets.count - mark.count)).first(where: { index in
                (index == 0 || octets[index - 1] == 0x20 || octets[index - 1] == UInt8(ascii: ">"))
                    && octets[index..<(index + mark.count)].elementsEqual(mark)
            })
        else { return nil }
        var fields = Self.fields(octets[start...])
        guard let first = fields.first, first.name == "event" else { return nil }
        fields.removeFirst()
        var prefix = octets[..<start]
        // The level that systemd reads, where a file got it instead.
        if prefix.last == UInt8(ascii: ">"), let open = prefix.lastIndex(of: UInt8(ascii: "<")) {
            prefix = prefix[..<open]
        }
        while prefix.last == 0x20 { prefix.removeLast() }
        self.prefix = String(decoding: prefix, as: UTF8.self)
        event = first.value
        self.fields = fields
    }

    /// `name=value` and `name="value with \" and \x1b"`, separated by spaces.
    private static func fields(_ octets: ArraySlice<UInt8>) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        var rest = octets.drop { $0 == 0x20 }
        while let equals = rest.firstIndex(of: UInt8(ascii: "=")) {
            let name = String(decoding: rest[..<equals], as: UTF8.self)
            rest = rest[(equals + 1)...]
            var value: [UInt8] = []
            if rest.first == UInt8(ascii: "\"") {
                rest.removeFirst()
                while let octet = rest.popFirst(), octet != UInt8(ascii: "\"") {
                    value += octet == UInt8(ascii: "\\") ? escape(&rest) : [octet]
                }
            } else {
                value = Array(rest.prefix { $0 != 0x20 && $0 != 0x0A })
                rest = rest.dropFirst(value.count)
            }
            fields.append((name, String(decoding: value, as: UTF8.self)))
            rest = rest.drop { $0 == 0x20 || $0 == 0x0A }
        }
        return fields
    }

    /// What stands behind a backslash.
    private static func escape(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
        guard let octet = rest.popFirst() else { return [] }
        guard octet == UInt8(ascii: "x"), rest.count >= 2,
            let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        else { return [octet] }
        rest = rest.dropFirst(2)
        return [value]
    }
}
