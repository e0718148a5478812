// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct LogTests {
    @Test(arguments: [
        ("plain", "plain"),
        ("", "\"\""),
        ("two words", "\"two words\""),
        ("a=b", "\"a=b\""),
        ("say \"hi\"", #""say \"hi\"""#),
        ("back\\slash", #""back\\slash""#),
        ("line\r\nevent=forged", #""line\x0d\x0aevent=forged""#),
        ("tab\tdel\u{7F}", #""tab\x09del\x7f""#),
        ("größe", "\"größe\""),
    ])
    func valuesCannotForgeFields(value: String, expected: String) {
        var line: [UInt8] = []
        Log.append(value, to: &line)
        #expect(String(decoding: line, as: UTF8.self) == expected)
    }

    @Test func aLongValueIsCut() {
        var line: [UInt8] = []
        Log.append(String(repeating: "x ", count: 5000), to: &line)
        #expect(line.count == 1002)
    }
}
