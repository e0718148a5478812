// SPDX-License-Identifier: Apache-2.0

/// The kinds of records that mail needs (RFC 1035 §3.2.2, RFC 3596 §2.1).
package enum DNSType: UInt16, Sendable {
    case a = 1
    case cname = 5
    case ptr = 12
    case mx = 15
    case txt = 16
    case aaaa = 28
}

/// One record of an answer.
package struct DNSRecord: Equatable, Sendable {
    /// What a record says.
    package enum Value: Equatable, Sendable {
        /// 4 or 16 octets.
        case address([UInt8])
        case canonicalName(String)
        /// The empty host is the root: null MX (RFC 7505).
        case mailExchanger(preference: UInt16, host: String)
        /// The name that an address belongs to.
        case pointer(String)
        /// All its strings as one, octets that are not UTF-8 replaced.
        case text(String)
    }

    /// In lower case, without a dot at its end.
    package let name: String
    /// Seconds.
    package let timeToLive: UInt32
    package let value: Value

    package init(name: String, timeToLive: UInt32, value: Value) {
        self.name = name
        self.timeToLive = timeToLive
        self.value = value
    }
}

/// What a name server answered (RFC 1035 §4).
package struct DNSResponse: Equatable, Sendable {
    package let id: UInt16
    /// RCODE: 0 no error, 2 server failure, 3 no such name, 5 refused.
    package let code: UInt8
    /// Whether the rest must be fetched over TCP.
    package let isTruncated: Bool
    package let name: String
    package let type: UInt16
    /// Records of the types in ``DNSType``; others are left out.
    package let answers: [DNSRecord]
}

/// Questions and answers of the DNS as octets.
package enum DNSMessage {
    /// The octets of a UDP answer that need not be fragmented anywhere (RFC 9715 §3).
    package static let datagramLimit = 1232

    /// A question with recursion desired; nil for what is no host name.
    ///
    /// - Parameters:
    ///   - id: Comes back in the answer.
    ///   - name: ASCII labels, with or without a dot at the end.
    ///   - type: What is asked for.
    /// - Returns: The octets of a datagram.
    package static func query(id: UInt16, name: String, type: DNSType) -> [UInt8]? {
        var bytes: [UInt8] = [UInt8(id >> 8), UInt8(id & 0xFF), 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
        let labels = name.split(separator: ".", omittingEmptySubsequences: true)
        guard !labels.isEmpty, name.utf8.count <= 254, name.utf8.first != UInt8(ascii: ".") else {
            return nil
        }
        for label in labels {
            guard label.utf8.count <= 63, label.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                return nil
            }
            bytes.append(UInt8(label.utf8.count))
            bytes += label.utf8
        }
        bytes += [0, UInt8(type.rawValue >> 8), UInt8(type.rawValue & 0xFF), 0, 1]
        // OPT (RFC 6891 §6.1.2): how much we take in one datagram.
        bytes += [0, 0, 41, UInt8(datagramLimit >> 8), UInt8(datagramLimit & 0xFF)]
        bytes += [0, 0, 0, 0, 0, 0]
        return bytes
    }

    /// Reads an answer; nil for octets that are none.
    package static func response(_ bytes: [UInt8]) -> DNSResponse? {
        var reader = DNSReader(bytes)
        guard let id = reader.number(), let flags = reader.number(), flags & 0x8000 != 0,
            let questions = reader.number(), questions == 1, let answers = reader.number(),
            reader.number() != nil, reader.number() != nil,
            let name = reader.name(), let type = reader.number(), reader.number() != nil
        else { return nil }
        let isTruncated = flags & 0x0200 != 0
        var records: [DNSRecord] = []
        for _ in 0..<answers {
            guard let record = reader.record() else {
                // A truncated message may end anywhere; a whole one may not.
                if isTruncated { break }
                return nil
            }
            if let record = record.known { records.append(record) }
        }
        return DNSResponse(
            id: id, code: UInt8(flags & 0x0F), isTruncated: isTruncated, name: name, type: type,
            answers: records)
    }
}

/// Reads a message from front to back; every step checks the bounds.
private struct DNSReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A record whose type may be none of ours.
    struct Found {
        let known: DNSRecord?
    }

    mutating func number() -> UInt16? {
        guard position + 2 <= bytes.count else { return nil }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    mutating func name() -> String? {
        guard let (name, next) = name(at: position) else { return nil }
        position = next
        return name
    }

    mutating func record() -> Found? {
        guard let name = name(), let type = number(), number() != nil, let high = number(),
            let low = number(), let length = number(), position + Int(length) <= bytes.count
        else { return nil }
        let start = position
        let end = position + Int(length)
        position = end
        guard let type = DNSType(rawValue: type) else { return Found(known: nil) }
        guard let value = value(of: type, start..<end) else { return nil }
        // RFC 2181 §8: the highest bit counts as zero seconds.
        let seconds = UInt32(high) << 16 | UInt32(low)
        let record = DNSRecord(
            name: name, timeToLive: seconds > 0x7FFF_FFFF ? 0 : seconds, value: value)
        return Found(known: record)
    }

    private func value(of type: DNSType, _ range: Range<Int>) -> DNSRecord.Value? {
        switch type {
        case .a: return range.count == 4 ? .address(Array(bytes[range])) : nil
        case .aaaa: return range.count == 16 ? .address(Array(bytes[range])) : nil
        case .cname, .ptr:
            guard let (host, end) = name(at: range.lowerBound), end == range.upperBound else {
                return nil
            }
            return type == .ptr ? .pointer(host) : .canonicalName(host)
        case .txt: return text(range).map { .text($0) }
        case .mx:
            guard range.count >= 3, let (host, end) = name(at: range.lowerBound + 2),
                end == range.upperBound
            else { return nil }
            let high = UInt16(bytes[range.lowerBound])
            let low = UInt16(bytes[range.lowerBound + 1])
            return .mailExchanger(preference: high << 8 | low, host: host)
        }
    }

    /// Strings of up to 255 octets, joined without anything between them (RFC 7208 §3.3).
    private func text(_ range: Range<Int>) -> String? {
        var text: [UInt8] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let end = position + 1 + Int(bytes[position])
            guard end <= range.upperBound else { return nil }
            text += bytes[(position + 1)..<end]
            position = end
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A name, perhaps compressed (RFC 1035 §4.1.4), and where what follows it begins.
    private func name(at start: Int) -> (String, Int)? {
        var text: [UInt8] = []
        var position = start
        var next: Int?
        var lowest = start
        while true {
            guard position < bytes.count else { return nil }
            let length = Int(bytes[position])
            if length >= 0xC0 {
                guard position + 1 < bytes.count else { return nil }
                let target = (length & 0x3F) << 8 | Int(bytes[position + 1])
                next = next ?? position + 2
                // Only ever backwards: a loop cannot be written.
                guard target < lowest else { return nil }
                lowest = target
                position = target
                continue
            }
            guard length < 0x40, position + 1 + length <= bytes.count else { return nil }
            if length == 0 { break }
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            for byte in bytes[(position + 1)...(position + length)] {
                // A host name has no such octets; elsewhere they would look like structure.
                guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: ".") else { return nil }
                text.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
            }
            guard text.count <= 253 else { return nil }
            position += 1 + length
        }
        return (String(decoding: text, as: UTF8.self), next ?? position + 1)
    }
}
