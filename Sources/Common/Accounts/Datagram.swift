// SPDX-License-Identifier: Apache-2.0

/// Why bytes are no question or answer, or a question or answer cannot be made into bytes.
package enum AccountCodecError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end before their last field does.
    case truncated
    /// Bytes follow the last field.
    case trailingBytes
    /// A field's value has no meaning: the field's name.
    case badValue(String)
    /// The datagram would exceed ``AccountCodec/datagramLimit`` or a field what its length can say.
    case tooLong

    package var description: String {
        switch self {
        case .truncated: "the datagram ends too early"
        case .trailingBytes: "bytes follow the last field"
        case .badValue(let field): "the field \(field) has no meaning"
        case .tooLong: "longer than a datagram can say"
        }
    }
}

/// Fields one after another: numbers big-endian, texts and bytes behind a 16-bit length.
struct DatagramWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ value: UInt8) {
        bytes.append(value)
    }

    mutating func append(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    mutating func append(_ value: UInt32) {
        append(UInt16(truncatingIfNeeded: value >> 16))
        append(UInt16(truncatingIfNeeded: value))
    }

    /// A count; what is out of range becomes the nearest number in it.
    mutating func append(clamping value: Int) {
        append(UInt32(clamping: value))
    }

    mutating func append(_ field: some Collection<UInt8>) throws(AccountCodecError) {
        guard let count = UInt16(exactly: field.count) else { throw .tooLong }
        append(count)
        bytes.append(contentsOf: field)
    }

    mutating func append(_ text: String) throws(AccountCodecError) {
        try append(text.utf8)
    }
}

/// Reads what ``DatagramWriter`` wrote; every read checks the bounds.
struct DatagramReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: some Sequence<UInt8>) {
        rest = ArraySlice(bytes)
    }

    /// Nothing may follow the last field.
    func end() throws(AccountCodecError) {
        if !rest.isEmpty { throw .trailingBytes }
    }

    mutating func byte() throws(AccountCodecError) -> UInt8 {
        guard let byte = rest.popFirst() else { throw .truncated }
        return byte
    }

    mutating func short() throws(AccountCodecError) -> UInt16 {
        UInt16(try byte()) << 8 | UInt16(try byte())
    }

    mutating func word() throws(AccountCodecError) -> UInt32 {
        UInt32(try short()) << 16 | UInt32(try short())
    }

    mutating func count() throws(AccountCodecError) -> Int {
        Int(try word())
    }

    mutating func field() throws(AccountCodecError) -> [UInt8] {
        let count = Int(try short())
        guard count <= rest.count else { throw .truncated }
        defer { rest = rest.dropFirst(count) }
        return [UInt8](rest.prefix(count))
    }

    /// A field that must be UTF-8 without control characters, so that no log line or file name can be
    /// forged with it.
    mutating func text(_ name: String) throws(AccountCodecError) -> String {
        let bytes = try field()
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw .badValue(name) }
        return text
    }
}
