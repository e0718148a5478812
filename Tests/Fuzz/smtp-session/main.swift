// SPDX-License-Identifier: Apache-2.0
// Modules: Mail SMTP
import Mail
import SMTP

/// Whatever a client sends, the session keeps its promises.
///
/// It never crashes, never hands out octets without a draft nor forgets one, commits only whole messages within
/// the limits and with recipients, and says and stores the same however the network cuts its input. The first two
/// octets choose the circumstances.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard input.count > 2 else { return 0 }
    let bytes = Array(input.dropFirst(2))
    let whole = play(bytes, input[0], input[1], inPiecesOf: bytes.count)
    let cut = play(bytes, input[0], input[1], inPiecesOf: Int(input[1] >> 4) + 1)
    // What comes right behind STARTTLS is judged by when it came, and must be.
    precondition(whole == cut || input[0] & 1 == 0, "the answer depends on how the input was cut")
    return 0
}

private struct World {
    var session: ServerSession
    var output: [UInt8] = []
    var draft: [UInt8]?
    var isClosed = false
    let settings: ServerSettings
    let trouble: UInt8

    init(_ choice: UInt8, _ trouble: UInt8) {
        guard let domain = Domain("example.test") else { preconditionFailure("no domain") }
        var settings = ServerSettings(hostName: "mx.example.test", postmasterDomain: domain)
        settings.offersTLS = choice & 1 == 0
        settings.authentication = choice & 2 == 0 ? .optional : choice & 4 == 0 ? .required : .none
        settings.extensions = choice & 8 == 0 ? .all : [.size, .eightBitMIME]
        settings.repairsLineEnds = choice & 16 != 0
        settings.maxMessageSize = choice & 32 == 0 ? 1000 : 60
        settings.maxHeaderSize = choice & 32 == 0 ? 400 : 30
        settings.maxTextLine = choice & 64 == 0 ? nil : 40
        settings.maxCommandErrors = choice & 128 == 0 ? 1000 : 2
        settings.maxRecipients = 3
        settings.maxReceived = 2
        self.settings = settings
        self.trouble = trouble
        let tls = TLSParameters(version: "TLSv1.3", cipher: "AES", bits: 256)
        session = ServerSession(settings: settings, tls: choice & 1 == 0 ? nil : tls)
    }

    mutating func drain() {
        while !isClosed {
            switch session.next() {
            case .wait:
                return
            case .send(let reply): say(reply)
            case .ask(.credentials(let credentials, _)):
                precondition(session.tls != nil, "a login without TLS")
                session.answer(
                    credentials.password.count % 2 == 0
                        ? LoginOutcome.succeeded("tim") : LoginOutcome.failed)
            case .ask(let question): session.answer(verdict(on: question))
            case .startTLS:
                output += "(TLS)\r\n".utf8
                session.tlsStarted(TLSParameters(version: "TLSv1.2", cipher: "AES", bits: 128))
            case .begin(let envelope, let facts): begin(envelope, facts)
            case .append(let block):
                precondition(draft != nil && !block.isEmpty, "octets without a draft")
                draft? += block
                // A failing disk may fail anywhere in the message: only the whole input shows it alike.
                if trouble & 1 != 0 {
                    draft = nil
                    session.fail(ServerReplies.storageFull)
                }
            case .commit(let facts): commit(facts)
            case .discard:
                precondition(draft != nil, "discarded without a draft")
                draft = nil
            case .close:
                precondition(draft == nil, "a draft was forgotten")
                isClosed = true
                output += "(closed)\r\n".utf8
            }
        }
    }

    private mutating func say(_ reply: Reply) {
        let bytes = reply.bytes
        precondition(bytes.suffix(2) == [13, 10], "half a line")
        for line in bytes.split(separator: 10) { precondition(line.count < 512, "a long line") }
        // Of several things that are wrong with a message, the one is said that was seen first.
        let isOfContent =
            reply.status?.subject == 6 || reply.status == .messageTooBig
            || reply.status == .loop || reply == ServerReplies.badFrom
            || reply == ServerReplies.storageFull
        output += isOfContent ? Array("(refused)\r\n".utf8) : bytes
    }

    private func verdict(on question: Question) -> Verdict {
        guard case .recipient(let recipient) = question else { return .accepted }
        return recipient.address.localPart.text.utf8.count % 3 == 0
            ? .refused(ServerReplies.unknownUser) : .accepted
    }

    private mutating func begin(_ envelope: Envelope, _ facts: HeaderFacts) {
        precondition(draft == nil, "two drafts")
        precondition((1...settings.maxRecipients).contains(envelope.recipients.count))
        precondition(facts.receivedCount <= settings.maxReceived)
        precondition(facts.length <= settings.maxHeaderSize)
        precondition(settings.authentication != .required || envelope.login != nil)
        let isASCII = envelope.recipients.allSatisfy(\.address.isASCII)
        precondition(envelope.isInternational || isASCII, "UTF-8 without SMTPUTF8")
        if trouble & 2 != 0, facts.fromCount != 1 {
            session.answer(Verdict.refused(ServerReplies.badFrom))
        } else {
            draft = []
            session.answer(Verdict.accepted)
        }
    }

    private mutating func commit(_ facts: ContentFacts) {
        guard let message = draft else { preconditionFailure("commit without a draft") }
        precondition(facts.octets == message.count && message.count <= settings.maxMessageSize)
        precondition(message.isEmpty || message.suffix(2) == [13, 10], "an unfinished line")
        for (index, byte) in message.enumerated() {
            let hasCR = index > 0 && message[index - 1] == 13
            precondition(byte != 10 || hasCR, "a bare LF")
            precondition(byte == 10 || !hasCR, "a bare CR")
        }
        draft = nil
        output += "(stored ".utf8 + message + ")\r\n".utf8
        if trouble & 4 != 0 {
            session.fail(ServerReplies.localTrouble)
        } else {
            session.answer(queued: "id")
        }
    }
}

private func play(
    _ bytes: [UInt8], _ choice: UInt8, _ trouble: UInt8, inPiecesOf size: Int
) -> [UInt8] {
    var world = World(choice, trouble)
    world.drain()
    var rest = bytes[...]
    while !rest.isEmpty, !world.isClosed {
        world.session.receive(Array(rest.prefix(size)).span)
        rest = rest.dropFirst(size)
        world.drain()
    }
    if !world.isClosed {
        world.session.end(.connectionLost)
        world.drain()
        precondition(world.isClosed && world.draft == nil)
    }
    return world.output
}
