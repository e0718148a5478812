// SPDX-License-Identifier: Apache-2.0
// Modules: Mail
import Mail

/// Whatever a header holds, a From field in it is seen, and the addresses found can be written down.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let header = Array(UnsafeBufferPointer(start: start, count: count))
    let facts = HeaderScanner.facts(of: header[...])
    precondition(facts.length == header.count && facts.longestLine <= header.count)
    for address in facts.from {
        let text = address.description
        precondition(text.utf8.allSatisfy { $0 >= 32 && $0 != 127 })
        // Quoting may make it longer than a path may be; else it is the same address again.
        let written = text.utf8.count - address.domain.text.utf8.count - 1
        precondition(written > LocalPart.lengthLimit || MailAddress(text) == address)
    }
    // One more on top is one more.
    let more = HeaderScanner.facts(of: (Array("From: x@y.example\r\n".utf8) + header)[...])
    let startsFolded = header.first == 32 || header.first == 9
    if !startsFolded {
        precondition(more.fromCount == facts.fromCount + 1)
        precondition(more.from.count == facts.from.count + 1)
        precondition(more.isFromMalformed == facts.isFromMalformed)
        precondition(more.receivedCount == facts.receivedCount)
    }
    do throws(AddressError) {
        _ = try AddressList.addresses(in: header)
    } catch {
        return 0
    }
    return 0
}
