// SPDX-License-Identifier: Apache-2.0
import Mail
@testable import SMTP
import TestSupport

/// A server session with the world that the transcripts speak of.
///
/// Users of example.test are tim, ann, postmaster and пётр; the login is tim with password tanstaaf, who may
/// send to everywhere as tim@example.test. Without login only example.test is served. What would be stored
/// stands in the output as `(stored …)`, with `<CR>`, `<LF>` and `<NUL>` for these octets.
struct Subject: TranscriptSubject {
    var settings: ServerSettings
    var tls: TLSParameters?
    var session: ServerSession
    /// Octets of the draft; nil without one.
    var draft: [UInt8]?
    var stored: [[UInt8]] = []
    var envelopes: [Envelope] = []
    var headers: [HeaderFacts] = []
    var contents: [ContentFacts] = []
    var isClosed = false
    var showsDiscards = false
    var answers: [String: Reply] = [:]

    static let encryption = TLSParameters(version: "TLSv1.3", cipher: "AES", bits: 256)

    init() {
        guard let domain = Domain("example.test") else { preconditionFailure("no domain") }
        settings = ServerSettings(hostName: "mx.example.test", postmasterDomain: domain)
        settings.maxMessageSize = 10_000
        session = ServerSession(settings: settings)
    }

    mutating func receive(_ bytes: [UInt8]) {
        session.receive(bytes.span)
    }

    mutating func occur(_ words: [String]) {
        var isNew = true
        let number = words.last.flatMap { Int($0) } ?? 0
        switch words.filter({ Int($0) == nil }).joined(separator: " ") {
        case "fresh": break
        case "implicit TLS": tls = Self.encryption
        case "STARTTLS offered": settings.offersTLS = true
        case "login optional": settings.authentication = .optional
        case "login required": settings.authentication = .required
        case "login by PLAIN only": settings.mechanisms = [.plain]
        case "old AUTH offered": settings.offersOldAuthentication = true
        case "no extensions": settings.extensions = []
        case "recipients at most": settings.maxRecipients = number
        case "header at most": settings.maxHeaderSize = number
        case "errors at most": settings.maxCommandErrors = number
        case "failed logins at most": settings.maxLoginFailures = number
        case "idle commands at most": settings.maxIdleCommands = number
        case "received at most": settings.maxReceived = number
        case "lines at most": settings.maxTextLine = number
        case "line ends repaired": settings.repairsLineEnds = true
        case "client refused": answers["client"] = ServerReplies.blocked
        case "client unwelcome": answers["client"] = Reply(.failed, .notAuthorized, "Go away")
        case "From refused": answers["begin"] = ServerReplies.badFrom
        case "draft fails": answers["append"] = ServerReplies.storageFull
        case "commit fails": answers["commit"] = ServerReplies.localTrouble
        case "logins unavailable": answers["login"] = ServerReplies.loginUnavailable
        case "logins blocked": answers["login"] = ServerReplies.blocked
        case "all fine": answers = [:]
        default:
            isNew = false
            switch words.joined(separator: " ") {
            case "connection lost": session.end(.connectionLost)
            case "time passes": session.end(.timedOut)
            case "server stops": session.end(.shuttingDown)
            case "discards shown": showsDiscards = true
            case "trouble over": answers = [:]
            case "trouble at commit": answers["commit"] = ServerReplies.localTrouble
            default: preconditionFailure("unknown event \(words)")
            }
        }
        guard isNew else { return }
        session = ServerSession(settings: settings, tls: tls)
        isClosed = false
        draft = nil
    }

    mutating func output() -> [UInt8] {
        var bytes: [UInt8] = []
        while !isClosed {
            switch session.next() {
            case .wait: return bytes
            case .send(let reply): bytes += reply.bytes
            case .ask(let question): answer(question)
            case .startTLS:
                bytes += "(TLS)\r\n".utf8
                session.tlsStarted(Self.encryption)
            case .begin(let envelope, let facts):
                precondition(draft == nil, "begun twice")
                envelopes.append(envelope)
                headers.append(facts)
                if let reply = answers["begin"] {
                    session.answer(Verdict.refused(reply))
                } else {
                    draft = []
                    session.answer(.accepted)
                }
            case .append(let block):
                precondition(draft != nil && !block.isEmpty, "nothing to append, or nowhere")
                draft? += block
                if let reply = answers["append"] {
                    draft = nil
                    session.fail(reply)
                }
            case .commit(let facts): bytes += commit(facts)
            case .discard:
                precondition(draft != nil, "discarded twice")
                draft = nil
                if showsDiscards { bytes += "(discarded)\r\n".utf8 }
            case .close:
                precondition(draft == nil, "a draft was forgotten")
                bytes += "(closed)\r\n".utf8
                isClosed = true
            }
        }
        return bytes
    }

    private mutating func commit(_ facts: ContentFacts) -> [UInt8] {
        guard let message = draft else { preconditionFailure("commit without draft") }
        precondition(facts.octets == message.count, "wrong size")
        draft = nil
        contents.append(facts)
        if let reply = answers["commit"] {
            session.fail(reply)
            return []
        }
        stored.append(message)
        session.answer(queued: "id\(stored.count)")
        return Array("(stored \(Self.visible(message)))\r\n".utf8)
    }

    private mutating func answer(_ question: Question) {
        switch question {
        case .client: session.answer(answers["client"].map(Verdict.refused) ?? .accepted)
        case .credentials(let credentials, _):
            if answers["login"] == ServerReplies.loginUnavailable {
                session.answer(LoginOutcome.unavailable)
            } else if let reply = answers["login"] {
                session.answer(LoginOutcome.refused(reply))
            } else if credentials.user == "tim", credentials.password == Array("tanstaaf".utf8) {
                session.answer(LoginOutcome.succeeded("tim"))
            } else {
                session.answer(LoginOutcome.failed)
            }
        case .sender(let path, let login):
            let isOwn = path.address.map { $0 == MailAddress("tim@example.test") } ?? true
            let verdict = Verdict.refused(ServerReplies.notOwnAddress)
            session.answer(login == nil || isOwn ? .accepted : verdict)
        case .recipient(let recipient): session.answer(verdict(on: recipient.address))
        }
    }

    private func verdict(on address: MailAddress) -> Verdict {
        guard address.domain.ascii == "example.test" || address.domain.ascii == "xn--bcher-kva.test"
        else { return session.login == nil ? .refused(ServerReplies.relayingDenied) : .accepted }
        let users = ["tim", "ann", "postmaster", "пётр"]
        let isKnown =
            users.contains(address.localPart.text) || address.localPart.text.hasPrefix("user")
        return isKnown ? .accepted : .refused(ServerReplies.unknownUser)
    }

    /// Octets as a transcript shows them.
    static func visible(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            switch byte {
            case 13: text += "<CR>".utf8
            case 10: text += "<LF>".utf8
            case 0: text += "<NUL>".utf8
            default: text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
