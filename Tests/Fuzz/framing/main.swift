// SPDX-License-Identifier: Apache-2.0
// Modules: Mail
import Mail

/// Lines and messages are cut at CRLF and nowhere else, however the network cut the input.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = input.first else { return 0 }
    let bytes = Array(input.dropFirst())
    let size = Int(choice & 15) + 1
    for lineEnds in [DataDecoder.LineEnds.strict, .repaired] {
        for framing in [DataDecoder.Framing.dot, .chunks] {
            let whole = decode(bytes, framing, lineEnds, inPiecesOf: bytes.count + 1)
            let cut = decode(bytes, framing, lineEnds, inPiecesOf: size)
            precondition(whole == cut, "depends on how the input was cut")
            check(whole, of: bytes, framing, lineEnds)
        }
    }
    roundTrip(bytes, inPiecesOf: size)
    let limit = Int(choice >> 4) * 4 + 8
    precondition(
        lines(bytes, limit, inPiecesOf: bytes.count + 1) == lines(bytes, limit, inPiecesOf: size))
    return 0
}

private struct Result: Equatable {
    var output: [UInt8] = []
    var consumed = 0
    var isAtEnd = false
    var hasBareLineEnd = false
    var has8Bit = false
    var hasNUL = false
    var longestLine = 0
    var headerLength: Int?
}

private func decode(
    _ bytes: [UInt8], _ framing: DataDecoder.Framing, _ lineEnds: DataDecoder.LineEnds,
    inPiecesOf size: Int
) -> Result {
    var decoder = DataDecoder(framing, lineEnds: lineEnds)
    var result = Result()
    while result.consumed < bytes.count, !result.isAtEnd {
        let end = min(result.consumed + size, bytes.count)
        let progress = decoder.decode(
            bytes.span.extracting(result.consumed..<end), into: &result.output)
        result.consumed += progress.consumed
        result.isAtEnd = progress.isAtEnd
    }
    if framing == .chunks { decoder.finish(into: &result.output) }
    precondition(decoder.octets == result.output.count)
    result.hasBareLineEnd = decoder.hasBareLineEnd
    result.has8Bit = decoder.has8Bit
    result.hasNUL = decoder.hasNUL
    result.longestLine = decoder.longestLine
    result.headerLength = decoder.headerLength
    return result
}

private func check(
    _ result: Result, of bytes: [UInt8], _ framing: DataDecoder.Framing,
    _ lineEnds: DataDecoder.LineEnds
) {
    if framing == .dot {
        // The end is the first CRLF.CRLF, the beginning counting as after CRLF.
        let text: [UInt8] = [13, 10] + bytes
        let end = text.indices.first { text[$0...].starts(with: [13, 10, 46, 13, 10]) }
        precondition(result.isAtEnd == (end != nil))
        precondition(result.consumed == (end.map { $0 + 3 } ?? bytes.count))
    }
    let output = result.output
    guard lineEnds == .repaired || !result.hasBareLineEnd, framing == .chunks || result.isAtEnd
    else { return }
    precondition(output.isEmpty || output.suffix(2) == [13, 10])
    for (index, byte) in output.enumerated() {
        precondition(byte != 10 || index > 0 && output[index - 1] == 13, "a bare LF")
        precondition(byte != 13 || output[index + 1] == 10, "a bare CR")
    }
    precondition(result.has8Bit == output.contains { $0 > 127 })
    precondition(result.hasNUL == output.contains(0))
    let framed: [UInt8] = [13, 10] + output
    let empty = framed.indices.first { framed[$0...].starts(with: [13, 10, 13, 10]) }
    precondition(result.headerLength == empty.map { $0 + 2 })
}

/// What is stuffed and sent comes out as it was, with line ends made right.
private func roundTrip(_ bytes: [UInt8], inPiecesOf size: Int) {
    var stuffing = DotStuffing()
    var wire: [UInt8] = []
    stuffing.encode(bytes.span, into: &wire)
    stuffing.finish(into: &wire)
    let received = decode(wire, .dot, .strict, inPiecesOf: size)
    let hasBareCR = bytes.indices.contains {
        bytes[$0] == 13 && $0 + 1 < bytes.count && bytes[$0 + 1] != 10
    }
    if hasBareCR { return }
    precondition(received.isAtEnd && received.consumed == wire.count && !received.hasBareLineEnd)
    var counter = WireSize()
    counter.add(bytes.span)
    precondition(received.output.count == counter.total, "not the size that was announced")
}

private func lines(_ bytes: [UInt8], _ limit: Int, inPiecesOf size: Int) -> [LineFramer.Event] {
    var framer = LineFramer(limit: limit)
    var events: [LineFramer.Event] = []
    var rest = bytes[...]
    while !rest.isEmpty {
        framer.append(Array(rest.prefix(size)).span)
        rest = rest.dropFirst(size)
        while let event = framer.next() {
            if case .line(let line) = event {
                precondition(line.count <= limit - 2 && !line.contains(13) && !line.contains(10))
            }
            events.append(event)
        }
    }
    return events
}
