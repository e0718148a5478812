// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct DataDecoderTests {
    struct Result: Equatable {
        var output: [UInt8] = []
        var consumed = 0
        var isAtEnd = false
        var hasBareLineEnd = false
        var headerLength: Int?
    }

    private func decode(
        _ input: [UInt8], _ framing: DataDecoder.Framing = .dot, pieces: Int,
        lineEnds: DataDecoder.LineEnds = .strict
    ) -> Result {
        var decoder = DataDecoder(framing, lineEnds: lineEnds)
        var result = Result()
        while result.consumed < input.count, !result.isAtEnd {
            let end = min(result.consumed + pieces, input.count)
            let piece = input.span.extracting(result.consumed..<end)
            let progress = decoder.decode(piece, into: &result.output)
            result.consumed += progress.consumed
            result.isAtEnd = progress.isAtEnd
        }
        if framing == .chunks { decoder.finish(into: &result.output) }
        result.hasBareLineEnd = decoder.hasBareLineEnd
        result.headerLength = decoder.headerLength
        #expect(decoder.octets == result.output.count)
        return result
    }

    /// The rules again, slowly: the end is the first CRLF.CRLF, content is cut into lines at CRLF.
    private func reference(_ input: [UInt8]) -> Result {
        let text: [UInt8] = [13, 10] + input
        var result = Result()
        var end: Int?
        for index in text.indices where text[index...].starts(with: [13, 10, 46, 13, 10]) {
            end = index
            break
        }
        guard let end else { return result }
        result.isAtEnd = true
        result.consumed = end + 3
        let content = Array(text[..<(end + 2)])
        var index = 2
        var lineStart = index
        while index < content.count {
            if index == lineStart, content[index] == 46 {
                index += 1
                continue
            }
            result.output.append(content[index])
            let isCRLF =
                content[index] == 13 && index + 1 < content.count && content[index + 1] == 10
            if isCRLF {
                result.output.append(10)
                index += 1
                lineStart = index + 1
            } else if content[index] == 13 || content[index] == 10 {
                result.hasBareLineEnd = true
            }
            index += 1
        }
        let emptyLine: [UInt8] = [13, 10, 13, 10]
        let framed = [13, 10] + result.output
        for index in framed.indices where framed[index...].starts(with: emptyLine) {
            result.headerLength = index + 2
            break
        }
        return result
    }

    /// Every text of up to eight of the octets that matter, whole and in pieces.
    @Test func exhaustively() {
        let alphabet: [UInt8] = [13, 10, 46, 120]
        for length in 0...8 {
            for number in 0..<(1 << (2 * length)) {
                let prefix = (0..<length).map { alphabet[number >> (2 * $0) & 3] }
                let input = prefix + [13, 10, 46, 13, 10]
                let expected = reference(input)
                for pieces in [input.count, 1, 3] {
                    let found = decode(input, pieces: pieces)
                    // What is stored of a damaged message does not matter: nothing is.
                    if expected.hasBareLineEnd {
                        #expect(found.hasBareLineEnd && found.consumed == expected.consumed)
                    } else if found != expected {
                        Issue.record("\(input) in \(pieces): \(found), expected \(expected)")
                    }
                }
            }
        }
    }

    @Test(arguments: [
        "a\r\n.\n", "a\n.\n", "a\n.\r\n", "a\r.\r", "a\r\n.\r", "a\r\n.\r\r\n", "\n.\r\n",
    ])
    func nothingElseEndsIt(input: String) {
        for pieces in [1, 2, 100] {
            let result = decode(Array(input.utf8), pieces: pieces)
            #expect(!result.isAtEnd && result.consumed == input.utf8.count)
        }
    }

    @Test(arguments: [
        ("a\nb", "a\r\nb\r\n"), ("a\rb", "a\r\nb\r\n"), ("a\n", "a\r\n"), ("a\r", "a\r\n"),
        ("", ""),
        ("a\r\nb\r\n", "a\r\nb\r\n"), ("a", "a\r\n"), ("\n\n", "\r\n\r\n"), (".\n", ".\r\n"),
        ("a\r\r\nb", "a\r\n\r\nb\r\n"),
    ])
    func repaired(input: String, output: String) {
        for pieces in [1, 100] {
            let result = decode(Array(input.utf8), .chunks, pieces: pieces, lineEnds: .repaired)
            #expect(String(decoding: result.output, as: UTF8.self) == output)
        }
    }

    @Test func kindsOfOctets() {
        // At each offset within a word, and near the end where octets are looked at one by one.
        for length in 1...40 {
            for offset in 0..<length {
                for (byte, expected) in [
                    (0, (true, false)), (200, (false, true)), (9, (false, false)),
                ] {
                    var text = [UInt8](repeating: 120, count: length)
                    text[offset] = UInt8(byte)
                    var decoder = DataDecoder(.chunks)
                    var output: [UInt8] = []
                    _ = decoder.decode((text + [13, 10]).span, into: &output)
                    #expect(decoder.hasNUL == expected.0 && decoder.has8Bit == expected.1)
                    #expect(decoder.longestLine == length && !decoder.hasBareLineEnd)
                }
            }
        }
    }
}
