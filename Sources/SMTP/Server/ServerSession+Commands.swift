// SPDX-License-Identifier: Apache-2.0
import Mail

extension ServerSession {
    /// Obeys the next command, or waits for it.
    mutating func nextCommand() -> ServerStep {
        framer.limit = CommandParser.lineLimit
        guard let event = framer.next() else {
            return .wait(clientName == nil ? .greeting : .command)
        }
        do throws(SyntaxError) {
            switch event {
            case .refused(.tooLong): throw .lineTooLong
            case .refused: throw .bareLineEnd
            case .line(let line):
                return obey(
                    try CommandParser.command(in: line, offered: settings.extensions))
            }
        } catch {
            return refuse(error)
        }
    }

    private mutating func refuse(_ error: SyntaxError) -> ServerStep {
        switch error {
        case .badSender: isMailRefused = transaction == nil
        case .badRecipient:
            // Lists have bad addresses as they have old ones.
            transaction?.refusedCount += 1
            return send(forgive(ServerReplies.reply(to: error)))
        case .badParameter, .repeatedParameter, .unknownParameter:
            if transaction == nil { isMailRefused = true }
        default: break
        }
        return send(count(ServerReplies.reply(to: error)))
    }

    private mutating func obey(_ command: Command) -> ServerStep {
        let fault = fault(of: command)
        // The octets of a chunk come in any case.
        if case .chunk(let octets, let isLast) = command {
            return beginChunk(octets, isLast: isLast, fault: fault)
        }
        if let fault {
            if case .mail = command { isMailRefused = transaction == nil }
            return send(fault)
        }
        switch command {
        case .hello(let name, let isExtended): return greet(name, isExtended: isExtended)
        case .mail(let path, let parameters): return mail(path, parameters)
        case .recipient(let path, let parameters): return recipient(path, parameters)
        case .data:
            content = Content(lineEnds: settings.repairsLineEnds ? .repaired : .strict)
            state = .receiving
            return .send(ServerReplies.startMail)
        case .chunk: preconditionFailure("was begun above")
        case .reset:
            resetTransaction()
            return idle(ServerReplies.reset)
        case .noop: return idle(ServerReplies.noop)
        case .help: return idle(ServerReplies.help)
        case .verify: return idle(ServerReplies.verify)
        case .expand: return send(count(ServerReplies.reply(to: .notImplemented)))
        case .quit: return send(ServerReplies.quit)
        case .startTLS: return startTLS()
        case .login(let mechanism, let response): return beginLogin(mechanism, response)
        }
    }

    /// Why a command is illegal in the state that the session is in; nil if it is legal.
    private mutating func fault(of command: Command) -> Reply? {
        let demands = Demands(of: command)
        if demands.contains(.sender), transaction == nil, isMailRefused {
            return forgive(ServerReplies.mailFirst)
        }
        if demands.contains(.hello), clientName == nil { return count(ServerReplies.helloFirst) }
        if demands.contains(.login), settings.authentication == .required, login == nil {
            return count(tls == nil ? ServerReplies.startTLSFirst : ServerReplies.loginRequired)
        }
        if demands.contains(.noChunks), content != nil { return count(ServerReplies.inChunks) }
        if demands.contains(.noSender), transaction != nil {
            if case .mail = command { return count(ServerReplies.nestedMail) }
            return count(ServerReplies.inTransaction)
        }
        if demands.contains(.sender), transaction == nil { return count(ServerReplies.mailFirst) }
        if demands.contains(.recipients), let transaction, transaction.envelope.recipients.isEmpty {
            return transaction.refusedCount > 0
                ? forgive(ServerReplies.noRecipients) : count(ServerReplies.noRecipients)
        }
        return nil
    }

    /// Says it; from a client that does nothing else, too many of these are errors.
    private mutating func idle(_ reply: Reply) -> ServerStep {
        idleCommands += 1
        return send(idleCommands > settings.maxIdleCommands ? count(reply) : reply)
    }

    private mutating func greet(_ name: String, isExtended: Bool) -> ServerStep {
        resetTransaction()
        clientName = name
        self.isExtended = isExtended
        return idle(
            isExtended
                ? ServerReplies.ehlo(settings.hostName, keywords: keywords)
                : ServerReplies.helo(settings.hostName))
    }

    /// What EHLO says in this state, and is true in it.
    private var keywords: [String] {
        let extensions = settings.extensions
        var keywords: [String] = []
        if extensions.contains(.pipelining) { keywords.append("PIPELINING") }
        if extensions.contains(.size) { keywords.append("SIZE \(settings.maxMessageSize)") }
        if extensions.contains(.eightBitMIME) { keywords.append("8BITMIME") }
        if extensions.contains(.smtpUTF8) { keywords.append("SMTPUTF8") }
        if extensions.contains(.enhancedStatusCodes) { keywords.append("ENHANCEDSTATUSCODES") }
        if extensions.contains(.dsn) { keywords.append("DSN") }
        if extensions.contains(.chunking) { keywords.append("CHUNKING") }
        if extensions.contains(.limits) {
            keywords.append("LIMITS RCPTMAX=\(settings.maxRecipients)")
        }
        if settings.offersTLS, tls == nil { keywords.append("STARTTLS") }
        if settings.authentication != .none, tls != nil {
            let names = settings.mechanisms.map(\.rawValue).joined(separator: " ")
            keywords.append("AUTH \(names)")
            if settings.offersOldAuthentication { keywords.append("AUTH=\(names)") }
        }
        keywords.append("HELP")
        return keywords
    }

    private mutating func mail(_ path: ReversePath, _ parameters: MailParameters) -> ServerStep {
        isMailRefused = true
        if let address = path.address, !address.isASCII, !parameters.isInternational {
            return send(forgive(ServerReplies.internationalAddress))
        }
        if let size = parameters.size, size > settings.maxMessageSize {
            return send(forgive(ServerReplies.tooBig))
        }
        isMailRefused = false
        state = .asking(.sender(path, parameters))
        return next()
    }

    private mutating func recipient(
        _ path: ForwardPath, _ parameters: RecipientParameters
    ) -> ServerStep {
        guard let envelope = transaction?.envelope else { return send(ServerReplies.mailFirst) }
        // A client with a longer list sends the rest in the next transaction (RFC 5321 §4.5.3.1.10).
        guard envelope.recipients.count < settings.maxRecipients else {
            return send(ServerReplies.tooManyRecipients)
        }
        let address: MailAddress
        switch path {
        case .address(let given): address = given
        case .postmaster: address = postmaster
        }
        let needsUTF8 = !address.isASCII || parameters.original?.type == "utf-8"
        guard envelope.isInternational || !needsUTF8 || path == .postmaster else {
            transaction?.refusedCount += 1
            return send(forgive(ServerReplies.internationalAddress))
        }
        let recipient = Recipient(
            address, notify: parameters.notify, original: parameters.original)
        state = .asking(.recipient(recipient))
        return next()
    }

    private mutating func startTLS() -> ServerStep {
        if tls != nil { return send(count(ServerReplies.alreadyEncrypted)) }
        guard settings.offersTLS else { return send(count(ServerReplies.notOffered)) }
        // Whoever sends more before the handshake wants it to be taken for what comes after it.
        guard framer.pendingCount == 0 else {
            framer.discardPending()
            return send(ServerReplies.inputBeforeTLS)
        }
        state = .encrypting
        return .send(ServerReplies.startTLS)
    }
}
