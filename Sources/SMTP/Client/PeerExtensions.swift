// SPDX-License-Identifier: Apache-2.0

/// What a server offers in its answer to EHLO (RFC 5321 §4.1.1.1).
package struct PeerExtensions: Equatable, Sendable {
    /// RFC 2920.
    package var pipelining = false
    /// RFC 6152.
    package var eightBitMIME = false
    /// RFC 6531.
    package var smtpUTF8 = false
    /// RFC 3207.
    package var startTLS = false
    /// RFC 3461.
    package var dsn = false
    /// RFC 2034.
    package var enhancedStatusCodes = false
    /// Whether SIZE is offered (RFC 1870).
    package var size = false
    /// The largest message that the server takes, if it says so (RFC 1870 §4).
    package var sizeLimit: Int?
    /// Mechanisms of RFC 4954 in upper case.
    package var authentication: Set<String> = []
    /// The most recipients of one message, if the server says so (RFC 9422 §3).
    package var recipientLimit: Int?
    /// The most messages of one connection, if the server says so (RFC 9422 §3).
    package var messageLimit: Int?

    /// Of a server that offers nothing, such as one that knows only HELO.
    package init() {}

    /// Reads the lines after the first of a reply to EHLO; unknown keywords are nobody's business.
    package init(reply: PeerReply) {
        for line in reply.lines.dropFirst() {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard let keyword = words.first?.uppercased() else { continue }
            let parameters = words.dropFirst().map { $0.uppercased() }
            switch keyword {
            case "PIPELINING": pipelining = true
            case "8BITMIME": eightBitMIME = true
            case "SMTPUTF8": smtpUTF8 = true
            case "STARTTLS": startTLS = true
            case "DSN": dsn = true
            case "ENHANCEDSTATUSCODES": enhancedStatusCodes = true
            case "SIZE":
                size = true
                // 0 is "no fixed maximum"; a number that is none is no limit either.
                if let limit = parameters.first.flatMap({ Int($0) }), limit > 0 {
                    sizeLimit = limit
                }
            case "AUTH": authentication.formUnion(parameters)
            case "LIMITS": readLimits(parameters)
            default:
                // Before RFC 4954 some servers wrote AUTH=LOGIN.
                if keyword.hasPrefix("AUTH=") {
                    authentication.insert(String(keyword.dropFirst(5)))
                    authentication.formUnion(parameters)
                }
            }
        }
    }

    private mutating func readLimits(_ parameters: [String]) {
        for parameter in parameters {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Int(parts[1]), value > 0 else { continue }
            switch parts[0] {
            case "RCPTMAX": recipientLimit = value
            case "MAILMAX": messageLimit = value
            default: break
            }
        }
    }
}
