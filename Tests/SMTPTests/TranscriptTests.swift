// SPDX-License-Identifier: Apache-2.0
import SMTP
import TestSupport
import Testing

@Suite struct TranscriptTests {
    static let transcripts = Transcript.all(in: "smtp")

    @Test func transcriptsAreThere() {
        #expect(Self.transcripts.count >= 20)
    }

    @Test(arguments: transcripts) func dialogueWhole(_ transcript: Transcript) {
        var subject = Subject()
        #expect(transcript.play(to: &subject, inPiecesOf: nil) == [])
    }

    @Test(arguments: transcripts) func dialogueByteByByte(_ transcript: Transcript) {
        var subject = Subject()
        #expect(transcript.play(to: &subject, inPiecesOf: 1) == [])
    }

    @Test(arguments: transcripts) func dialogueInOddPieces(_ transcript: Transcript) {
        var subject = Subject()
        #expect(transcript.play(to: &subject, inPiecesOf: 7) == [])
    }
}
