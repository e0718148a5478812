// SPDX-License-Identifier: Apache-2.0
// Modules: Mail CommonEnvelope=Common/JSON,Common/Accounts/AccountName.swift,Common/Queue/EnvelopeFile.swift,Common/Queue/EnvelopeFile+Reading.swift,Common/Queue/RelayEntry.swift,Common/Queue/RelayEnvelope.swift
import CommonEnvelope
import Mail

/// No `.env` file, however it was edited or torn, makes the reader crash or mistake one recipient for another; what
/// it reads can be written, and reads as the same again.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let id = QueueID(microseconds: 1_700_000_000_000_000, random: 7)
    _ = EnvelopeFile.next(inTail: bytes)
    guard let entry = read(bytes, id) else { return 0 }
    precondition(!entry.envelope.envelope.recipients.isEmpty)
    for recipient in entry.envelope.envelope.recipients {
        precondition(recipient.address.description.utf8.allSatisfy { $0 >= 32 && $0 != 127 })
    }
    // The first line alone, written anew, is the same envelope.
    let fresh = RelayEntry(id: id, envelope: entry.envelope, claim: entry.claim)
    guard let again = read(EnvelopeFile.firstLine(fresh), id) else {
        preconditionFailure("cannot read what was written")
    }
    precondition(again == fresh, "written and read is another")
    // Nothing that is appended later takes a settled recipient back into the queue.
    let more = Array(bytes) + [0x0A] + EnvelopeFile.line(.postponed(until: 1_700_000_000))
    guard let later = read(more, id) else { preconditionFailure("an event spoilt the entry") }
    precondition(later.next == 1_700_000_000 && later.pending.count <= entry.recipients.count)
    precondition(EnvelopeFile.next(inTail: more) == 1_700_000_000)
    return 0
}

private func read(_ bytes: [UInt8], _ id: QueueID) -> RelayEntry? {
    do throws(EnvelopeError) {
        return try EnvelopeFile.parse(bytes, id: id).entry
    } catch {
        return nil
    }
}
