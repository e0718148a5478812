// SPDX-License-Identifier: Apache-2.0

/// Questions and answers as datagrams: an id that the answer repeats, a kind, the kind's fields.
package enum AccountCodec {
    /// No datagram is larger, in either direction.
    package static let datagramLimit = 65_536

    /// A question's datagram.
    ///
    /// - Throws: `.tooLong` when a field is.
    package static func encode(
        _ question: AccountQuestion, id: UInt32
    ) throws(AccountCodecError) -> [UInt8] {
        var writer = DatagramWriter()
        writer.append(id)
        switch question {
        case .connection(let client, let service):
            writer.append(QuestionKind.connection.rawValue)
            try writer.append(client)
            try writer.append(service)
        case .disconnected(let client, let service, let errors):
            writer.append(QuestionKind.disconnected.rawValue)
            try writer.append(client)
            try writer.append(service)
            writer.append(clamping: errors)
        case .present(let client, let connections):
            writer.append(QuestionKind.present.rawValue)
            try writer.append(client)
            writer.append(clamping: connections)
        case .login(let group, let user, let password, let client, let service):
            writer.append(QuestionKind.login.rawValue)
            try writer.append(group)
            try writer.append(user)
            try writer.append(password)
            try writer.append(client)
            try writer.append(service)
        case .recipient(let group, let localPart, let domain):
            writer.append(QuestionKind.recipient.rawValue)
            try writer.append(group)
            try writer.append(localPart)
            try writer.append(domain)
        case .domain(let group, let name):
            writer.append(QuestionKind.domain.rawValue)
            try writer.append(group)
            try writer.append(name)
        case .sender(let group, let user, let localPart, let domain):
            writer.append(QuestionKind.sender.rawValue)
            try writer.append(group)
            try writer.append(user)
            try writer.append(localPart)
            try writer.append(domain)
        case .charge(let group, let user, let recipients):
            writer.append(QuestionKind.charge.rawValue)
            try writer.append(group)
            try writer.append(user)
            writer.append(clamping: recipients)
        }
        return try bounded(writer)
    }

    /// The question of a datagram.
    ///
    /// - Throws: What is wrong with it; nothing that the sender can put in does worse.
    package static func decodeQuestion(
        _ datagram: some Sequence<UInt8>
    ) throws(AccountCodecError) -> (id: UInt32, question: AccountQuestion) {
        var reader = DatagramReader(datagram)
        let id = try reader.word()
        guard let kind = QuestionKind(rawValue: try reader.byte()) else { throw .badValue("kind") }
        let question: AccountQuestion
        switch kind {
        case .connection:
            question = .connection(
                client: try reader.text("client"), service: try reader.text("service"))
        case .disconnected:
            question = .disconnected(
                client: try reader.text("client"), service: try reader.text("service"),
                commandErrors: try reader.count())
        case .present:
            question = .present(
                client: try reader.text("client"), connections: try reader.count())
        case .login:
            question = .login(
                group: try reader.text("group"), user: try reader.text("user"),
                password: try reader.field(), client: try reader.text("client"),
                service: try reader.text("service"))
        case .recipient:
            question = .recipient(
                group: try reader.text("group"), localPart: try reader.text("localPart"),
                domain: try reader.text("domain"))
        case .domain:
            question = .domain(group: try reader.text("group"), name: try reader.text("name"))
        case .sender:
            question = .sender(
                group: try reader.text("group"), user: try reader.text("user"),
                localPart: try reader.text("localPart"), domain: try reader.text("domain"))
        case .charge:
            question = .charge(
                group: try reader.text("group"), user: try reader.text("user"),
                recipients: try reader.count())
        }
        try reader.end()
        return (id, question)
    }

    static func bounded(_ writer: DatagramWriter) throws(AccountCodecError) -> [UInt8] {
        guard writer.bytes.count <= datagramLimit else { throw .tooLong }
        return writer.bytes
    }

    private enum QuestionKind: UInt8 {
        case connection = 1
        case disconnected, present, login, recipient, domain, sender, charge
    }
}
