// SPDX-License-Identifier: Apache-2.0
// Modules: CIDN SASLprep=Directory/SASLprep.swift
import SASLprep

/// No octets of a client crash what prepares names and passwords, or libidn behind it; there are one or two texts to
/// compare, the last is what was offered, and what is prepared stays so.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    look(bytes)
    // libidn is not instrumented, so nothing leads to UTF-8: every three octets are a character, too.
    var text = String.UnicodeScalarView()
    for index in stride(from: 0, to: count - 2, by: 3) {
        let value =
            UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
        if let scalar = Unicode.Scalar(value % 0x11_0000) { text.append(scalar) }
    }
    look(Array(String(text).utf8))
    return 0
}

private func look(_ bytes: [UInt8]) {
    let forms = SASLprep.forms(ofOffered: bytes)
    if forms == [[]] { return }
    precondition(forms.last == bytes && forms.count <= 2)
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    precondition(!bytes.contains(0), "libidn would not have seen what follows")
    guard let prepared = SASLprep.query(text) else {
        preconditionFailure("a form of what is refused")
    }
    precondition(forms[0] == Array(prepared.utf8))
    precondition(prepared.utf8.count <= 2048 * 18)
    precondition(
        prepared.utf8.count > 2048 || SASLprep.query(prepared).map { Array($0.utf8) } == forms[0],
        "prepared twice is something else")
}
