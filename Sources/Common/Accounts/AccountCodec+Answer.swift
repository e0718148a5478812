// SPDX-License-Identifier: Apache-2.0

extension AccountCodec {
    /// An answer's datagram.
    ///
    /// - Throws: `.tooLong` when an alias leads to more than a datagram can name.
    package static func encode(
        _ answer: AccountAnswer, id: UInt32
    ) throws(AccountCodecError) -> [UInt8] {
        var writer = DatagramWriter()
        writer.append(id)
        switch answer {
        case .allowed: writer.append(AnswerKind.allowed.rawValue)
        case .blocked(let seconds, let reason):
            writer.append(AnswerKind.blocked.rawValue)
            writer.append(clamping: seconds)
            writer.append(reason.rawValue)
        case .account(let login):
            writer.append(AnswerKind.account.rawValue)
            try writer.append(login.account.group)
            try writer.append(login.account.user)
            writer.append(login.permissions.rawValue)
            try writer.append(login.address)
            writer.append(login.certainties.rawValue)
        case .wrongPassword: writer.append(AnswerKind.wrongPassword.rawValue)
        case .recipients(let accounts, let forwards):
            writer.append(AnswerKind.recipients.rawValue)
            writer.append(clamping: accounts.count)
            for account in accounts {
                try writer.append(account.group)
                try writer.append(account.user)
            }
            writer.append(clamping: forwards.count)
            for forward in forwards {
                try writer.append(forward.localPart)
                try writer.append(forward.domain)
            }
        case .unknown: writer.append(AnswerKind.unknown.rawValue)
        case .notReceiving: writer.append(AnswerKind.notReceiving.rawValue)
        case .local: writer.append(AnswerKind.local.rawValue)
        case .notLocal: writer.append(AnswerKind.notLocal.rawValue)
        case .notAllowed: writer.append(AnswerKind.notAllowed.rawValue)
        case .limited(let seconds):
            writer.append(AnswerKind.limited.rawValue)
            writer.append(clamping: seconds)
        case .unavailable: writer.append(AnswerKind.unavailable.rawValue)
        }
        return try bounded(writer)
    }

    /// The answer of a datagram.
    ///
    /// - Throws: What is wrong with it.
    package static func decodeAnswer(
        _ datagram: some Sequence<UInt8>
    ) throws(AccountCodecError) -> (id: UInt32, answer: AccountAnswer) {
        var reader = DatagramReader(datagram)
        let id = try reader.word()
        guard let kind = AnswerKind(rawValue: try reader.byte()) else { throw .badValue("kind") }
        let answer: AccountAnswer
        switch kind {
        case .allowed: answer = .allowed
        case .blocked:
            let seconds = try reader.count()
            guard let reason = BlockReason(rawValue: try reader.byte()) else {
                throw .badValue("reason")
            }
            answer = .blocked(seconds: seconds, reason: reason)
        case .account:
            let account = try accountName(&reader)
            let permissions = Permissions(rawValue: try reader.byte())
            answer = .account(
                AccountLogin(
                    account: account, permissions: permissions,
                    address: try reader.text("address"),
                    certainties: .init(rawValue: try reader.byte())))
        case .wrongPassword: answer = .wrongPassword
        case .recipients: answer = try recipients(&reader)
        case .unknown: answer = .unknown
        case .notReceiving: answer = .notReceiving
        case .local: answer = .local
        case .notLocal: answer = .notLocal
        case .notAllowed: answer = .notAllowed
        case .limited: answer = .limited(seconds: try reader.count())
        case .unavailable: answer = .unavailable
        }
        try reader.end()
        return (id, answer)
    }

    /// A wrong count allocates nothing: the lists grow only as far as there are bytes.
    private static func recipients(
        _ reader: inout DatagramReader
    ) throws(AccountCodecError) -> AccountAnswer {
        var accounts: [AccountName] = []
        for _ in 0..<(try reader.count()) {
            accounts.append(try accountName(&reader))
        }
        var forwards: [ForwardAddress] = []
        for _ in 0..<(try reader.count()) {
            forwards.append(
                ForwardAddress(
                    localPart: try reader.text("localPart"), domain: try reader.text("domain")))
        }
        if accounts.isEmpty, forwards.isEmpty { throw .badValue("recipients") }
        return .recipients(accounts: accounts, forwards: forwards)
    }

    private static func accountName(
        _ reader: inout DatagramReader
    ) throws(AccountCodecError) -> AccountName {
        AccountName(group: try reader.text("group"), user: try reader.text("user"))
    }

    private enum AnswerKind: UInt8 {
        case allowed = 1
        case blocked, account, wrongPassword, recipients, unknown, notReceiving, local, notLocal
        case notAllowed, limited, unavailable
    }
}
