// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@testable import wmail

/// What people and programs are shown.
@Suite struct OutputTests {
    @Test func tableHasColumnsAsWideAsTheirWidestCell() {
        var table = Table(["GROUP", "USERS"])
        table.add(["a-long-name", "3"])
        table.add(["b", "12"])
        #expect(table.text(.plain) == "GROUP        USERS\na-long-name  3\nb            12\n")
    }

    @Test func noLineEndsWithSpaces() {
        var table = Table(["GROUP", "USERS"])
        table.add(["a", ""])
        #expect(table.text(.plain) == "GROUP  USERS\na\n")
    }

    @Test func onlyATerminalGetsColours() {
        #expect(Palette.plain.bad("no") == "no")
        #expect(Palette(isColoured: true).bad("no") == "\u{1B}[1;31mno\u{1B}[0m")
    }

    @Test(arguments: [
        ("plain", "plain"), ("a\u{1B}[2Jb", "a?[2Jb"), ("line\nline", "line?line"),
        ("\u{7F}\u{9B}", "??"), ("Jörg ✓", "Jörg ✓"),
    ])
    func whatComesFromOutsideCannotMoveTheCursor(text: String, shown: String) {
        #expect(Output.printable(text) == shown)
    }

    @Test func failureNamesItsCure() {
        let failure = Failure(SystemError("open", on: "/x", code: 13))
        #expect(failure.cause == "open /x: Permission denied")
        #expect(failure.cure == "run it as root, or as the owner of the instance")
        #expect(failure.status == .failed)
    }
}
