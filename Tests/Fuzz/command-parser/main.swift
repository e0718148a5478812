// SPDX-License-Identifier: Apache-2.0
// Modules: Mail SMTP
import Mail
import SMTP

/// What the parser takes for a command has only what it should: addresses that parse again as the same, names that
/// are harmless in Received, parameters that can be sent on.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let line = Array(UnsafeBufferPointer(start: start, count: count))
    if line.contains(13) || line.contains(10) { return 0 }
    do throws(SyntaxError) {
        check(try CommandParser.command(in: line))
        check(try CommandParser.command(in: line, offered: []))
    } catch {
        return 0
    }
    return 0
}

private func check(_ command: Command) {
    switch command {
    case .hello(let name, _):
        precondition(!name.isEmpty && name.utf8.count <= 255)
        let isHarmless = name.utf8.allSatisfy {
            $0.isASCIILetter || $0.isASCIIDigit || "-_.:[]".utf8.contains($0)
        }
        precondition(isHarmless, "not fit for Received")
    case .mail(let path, let parameters):
        if let address = path.address { check(address) }
        if let identifier = parameters.identifier {
            precondition(XText(encoded: Array(identifier.encoded.utf8)[...]) == identifier)
        }
        precondition(parameters.size ?? 0 >= 0)
    case .recipient(let path, let parameters):
        if case .address(let address) = path { check(address) }
        if let original = parameters.original {
            let again = OriginalRecipient(parameter: Array(original.parameter.utf8)[...])
            precondition(again == original)
            precondition(original.parameter.utf8.allSatisfy { $0 > 32 && $0 != 127 })
        }
    case .chunk(let octets, _): precondition(octets >= 0)
    default: break
    }
}

private func check(_ address: MailAddress) {
    precondition(MailAddress(address.description) == address, "reads as another")
    precondition(address.description.utf8.allSatisfy { $0 >= 32 && $0 != 127 })
    precondition(Domain(address.domain.ascii) == address.domain)
    precondition(address.domain.ascii.utf8.allSatisfy { $0 > 32 && $0 < 127 })
}
