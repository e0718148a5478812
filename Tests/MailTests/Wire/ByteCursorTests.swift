// SPDX-License-Identifier: Apache-2.0
import Mail
import Testing

@Suite struct ByteCursorTests {
    @Test func readsFromLeftToRight() {
        var cursor = ByteCursor(Array("MAIL  from:x".utf8))
        let isRecipient = cursor.skip(word: "RCPT")
        let verb = cursor.take(while: \.isASCIILetter)
        #expect(!isRecipient && String(decoding: verb, as: UTF8.self) == "MAIL")
        cursor.skipSpaces()
        let isFrom = cursor.skip(word: "FROM:")
        let isLonger = cursor.skip(word: "XY")
        let isOther = cursor.skip(UInt8(ascii: "y"))
        #expect(isFrom && !isLonger && !isOther && cursor.current == UInt8(ascii: "x"))
        let isLast = cursor.skip(UInt8(ascii: "x"))
        let next = cursor.next()
        #expect(isLast && next == nil && cursor.isAtEnd && cursor.current == nil)
        #expect(cursor.rest.isEmpty)
        #expect(ByteCursor([1], at: 5).isAtEnd)
    }

    @Test func letters() {
        for byte in UInt8.min...UInt8.max {
            let character = Character(Unicode.Scalar(byte))
            let isLetter = character.isASCII && character.isLetter
            #expect(byte.isASCIILetter == isLetter)
            #expect(byte.asciiUppercase == (isLetter ? character.uppercased().utf8.first : byte))
            #expect(byte.asciiLowercase == (isLetter ? character.lowercased().utf8.first : byte))
            #expect(byte.isASCIIDigit == (character >= "0" && character <= "9"))
            let hexadecimal = character.isASCII ? character.hexDigitValue.map { UInt8($0) } : nil
            #expect(byte.hexadecimalValue == hexadecimal)
        }
    }
}
