// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail
import POP3
import TLS

/// Logging in, sending messages, deleting.
extension Conversation {
    func logIn(_ credentials: Credentials) async {
        let client = visitor.stream.peer.host
        let answer = await service.accounts.ask(
            .login(
                group: visitor.settings.group, user: credentials.user,
                password: credentials.password,
                client: client, service: visitor.settings.name))
        switch answer {
        case .account(let login): await open(login.account)
        case .wrongPassword:
            session.refuse(.wrong)
        case .blocked(let seconds, let reason):
            session.refuse(LoginRefusal(reason, seconds: seconds))
        default: session.refuse(.temporary)
        }
    }

    private func open(_ account: AccountName) async {
        let (store, client) = (service.store, visitor.stream.peer.host)
        let rules = MaildropRules(
            loginDelay: service.slice.settings.loginDelay,
            trashDays: service.slice.settings.trashDays)
        do throws(MaildropError) {
            let opened = try await service.disk.run { () throws(MaildropError) in
                let folder = try MaildropFolder.open(
                    account, in: store, holder: client, rules: rules)
                return (folder: folder, maildrop: folder?.listing.maildrop ?? Maildrop())
            }
            mailbox = OpenMailbox(account: account, folder: opened.folder)
            service.storage.succeeded()
            Counter.mailboxesOpened.add()
            Log.write(
                .info, "mailbox.opened",
                [
                    "client": client, "account": account, "messages": opened.maildrop.count,
                    "octets": opened.maildrop.octets,
                ])
            session.admit(opened.maildrop)
        } catch {
            switch error {
            case .inUse(let holder):
                Log.write(
                    .notice, "mailbox.in-use",
                    ["client": client, "account": account, "holder": holder ?? ""])
                session.refuse(.inUse(holder: holder))
            case .tooOften(let seconds): session.refuse(.tooOften(seconds: seconds))
            case .system(let reason):
                service.storage.failed(reason, in: account)
                if service.restraint.admits("mailbox.failed", because: reason.reason) {
                    Log.write(.error, "mailbox.failed", ["account": account, "error": reason])
                }
                // A wrong owner or a broken disk will not mend itself.
                let isLasting = [EACCES, EPERM, EIO, ENOTDIR, ELOOP].contains(reason.code)
                session.refuse(isLasting ? .permanent : .temporary)
            }
        }
    }

    // MARK: - Sending

    func retrieve(_ retrieval: Retrieval) async throws(StreamError) {
        guard let message = await find(retrieval.index) else { return }
        visitor.stream.enqueue(retrieval.heading)
        if retrieval.bodyLines == nil {
            tally.retrieved += 1
            Counter.messagesFetched.add()
        }
        let whole = pacer.piece(atMost: retrieval.bodyLines == nil ? Self.pendingLimit : 16 << 10)
        var limit = retrieval.bodyLines.map { TopLimit(bodyLines: $0) }
        var stuffing = DotStuffing()
        var offset = 0
        while offset < message.size, limit?.isReached != true {
            let count = min(whole, message.size - offset)
            let piece = try await read(message, atMost: count, at: offset)
            // Somebody has cut the file short; the client learns it from the size.
            if piece.isEmpty { break }
            offset += piece.count
            var bytes: [UInt8] = []
            bytes.reserveCapacity(piece.count + piece.count / 16 + 8)
            let span = piece.span
            let belonging = limit?.octets(of: span) ?? piece.count
            stuffing.encode(span.extracting(..<belonging), into: &bytes)
            if offset == message.size || limit?.isReached == true { stuffing.finish(into: &bytes) }
            try await send(bytes)
        }
        // Only what is empty or was cut short has no end yet.
        if offset < message.size && limit?.isReached != true || message.size == 0 {
            var bytes: [UInt8] = []
            stuffing.finish(into: &bytes)
            visitor.stream.enqueue(bytes)
        }
        session.retrieved()
    }

    /// Sends or saves up for the next write, at the operator's speed and leaving others their turn.
    private func send(_ bytes: [UInt8]) async throws(StreamError) {
        let count = bytes.count
        tally.octets += count
        Counter.octetsFetched.add(count)
        visitor.stream.enqueue(bytes)
        if visitor.stream.pendingCount >= Self.pendingLimit / 2 {
            try await visitor.stream.flush(until: deadline)
        }
        if let next = pacer.sent(count, at: .now) {
            try await visitor.stream.flush(until: deadline)
            await sleep(until: next)
        }
        tally.unyielded += count
        if tally.unyielded >= Self.turn {
            tally.unyielded = 0
            await Task.yield()
        }
    }

    /// Octets after which other sessions get their turn.
    private static let turn = 1 << 20

    private func read(
        _ message: OpenMessage, atMost count: Int, at offset: Int
    ) async throws(StreamError) -> [UInt8] {
        if let bytes = message.readCached(atMost: count, at: offset) { return bytes }
        do throws(SystemError) {
            return try await service.disk.run { () throws(SystemError) in
                try message.read(atMost: count, at: offset)
            }
        } catch {
            // In the middle of a message there is no way to say so but to close.
            tellUnreadable(error)
            throw .system(error)
        }
    }

    /// Opens the message, wherever it is by now; when it cannot, the session is told.
    private func find(_ index: Int) async -> OpenMessage? {
        guard let folder = mailbox?.folder else {
            session.notRetrieved(isGone: true)
            return nil
        }
        let path = mailbox?.moved[index] ?? folder.path(of: index)
        if let message = OpenMessage.openCached(path, in: folder.maildir) { return message }
        do throws(SystemError) {
            if let message = try await open(path, folder) { return message }
            // Another program has moved it, perhaps all of them: look once for all.
            let moved = try await service.disk.run { () throws(SystemError) in
                try folder.relocations()
            }
            mailbox?.moved = moved
            if let path = moved[index], let message = try await open(path, folder) {
                return message
            }
            session.notRetrieved(isGone: true)
        } catch {
            tellUnreadable(error)
            session.notRetrieved(isGone: false)
        }
        return nil
    }

    private func tellUnreadable(_ error: SystemError) {
        if let account = mailbox?.account { service.storage.failed(error, in: account) }
        guard service.restraint.admits("message.unreadable", because: error.reason) else { return }
        guard error.code == EACCES || error.code == EPERM else {
            return Log.write(.error, "message.unreadable", ["error": error])
        }
        Log.write(
            .error, "message.unreadable",
            [
                "error": error,
                "hint":
                    "as root, for the Maildir: chgrp -R wmail-pop new cur && chmod -R g+rX new cur",
            ])
    }

    private func open(
        _ path: MessagePath, _ folder: MaildropFolder
    ) async throws(SystemError) -> OpenMessage? {
        do throws(SystemError) {
            return try await service.disk.run { () throws(SystemError) in
                try OpenMessage(path, in: folder.maildir)
            }
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }

    // MARK: - Deleting

    func delete(_ indexes: [Int]) async {
        guard let opened = mailbox, let folder = opened.folder else {
            return session.deleted(except: [])
        }
        let moved = opened.moved
        let (left, reason) = await service.disk.run { folder.delete(indexes, moved: moved) }
        tally.deleted = indexes.count - left.count
        Counter.messagesDeleted.add(tally.deleted)
        if let reason, service.restraint.admits("mailbox.not-deleted", because: reason.reason) {
            Log.write(
                .error, "mailbox.not-deleted",
                ["account": opened.account, "messages": left.count, "error": reason])
        }
        session.deleted(except: left)
    }
}
