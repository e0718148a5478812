// SPDX-License-Identifier: Apache-2.0

/// The fields that a server puts on top of a message (RFC 5321 §4.4), folded and ending with CRLF.
package enum TraceField {
    /// What a Received field tells.
    package struct Reception: Equatable, Sendable {
        /// What the client called itself; nil leaves out all about where the message came from.
        package var clientName: String?
        /// The client's IP address, without brackets; nil leaves it out.
        package var clientAddress: String?
        /// Who we are.
        package var serverName: String
        /// Such as `ESMTPS` (RFC 3848).
        package var transmissionType: String
        package var tls: TLSParameters?
        /// The queue id.
        package var id: String
        /// The only recipient; nil when there are several, who must not learn of each other.
        package var recipient: MailAddress?
        package var date: MailDate

        package init(
            clientName: String?, clientAddress: String?, serverName: String,
            transmissionType: String, tls: TLSParameters? = nil, id: String,
            recipient: MailAddress? = nil, date: MailDate
        ) {
            self.clientName = clientName
            self.clientAddress = clientAddress
            self.serverName = serverName
            self.transmissionType = transmissionType
            self.tls = tls
            self.id = id
            self.recipient = recipient
            self.date = date
        }
    }

    /// The Return-Path field.
    package static func returnPath(_ sender: ReversePath) -> String {
        "Return-Path: \(sender)\r\n"
    }

    /// The Received field.
    package static func received(_ reception: Reception) -> String {
        var words: [String] = []
        if let name = reception.clientName {
            let address = reception.clientAddress.map { " (\(literal($0)))" } ?? ""
            words.append("from \(name)\(address)")
        }
        words.append("by \(reception.serverName) (wMailServer)")
        words.append("with \(reception.transmissionType)")
        if let tls = reception.tls {
            words.append("(\(tls.version) \(tls.cipher) \(tls.bits) bits)")
        }
        words.append("id \(reception.id)")
        if let recipient = reception.recipient { words.append("for <\(recipient)>") }
        words[words.count - 1] += ";"
        words.append("\(reception.date)")
        return folded("Received:", words)
    }

    /// An address literal (RFC 5321 §4.1.3).
    private static func literal(_ address: String) -> String {
        address.utf8.contains(UInt8(ascii: ":")) ? "[IPv6:\(address)]" : "[\(address)]"
    }

    /// Words after a name, in lines of up to 78 columns where the words let that be (RFC 5322 §2.1.1).
    private static func folded(_ name: String, _ words: [String]) -> String {
        var field = name
        var column = name.utf8.count
        for word in words {
            let width = word.utf8.count + 1
            if column + width > 78, column > name.utf8.count {
                field += "\r\n"
                column = 0
            }
            field += " " + word
            column += width
        }
        return field + "\r\n"
    }
}
