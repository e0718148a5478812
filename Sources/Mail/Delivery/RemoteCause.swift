// SPDX-License-Identifier: Apache-2.0

/// Why the big receivers refuse mail, in plain words and with what helps; for those who run this server.
package enum RemoteCause {
    /// Whose servers these are.
    enum Receiver: CaseIterable {
        case gmail, outlook, yahoo

        /// The receiver that a server's name belongs to; nil for all others.
        init?(host: String) {
            let name = host.lowercased()
            let found = Self.allCases.first { receiver in
                receiver.domains.contains { name == $0 || name.hasSuffix(".\($0)") }
            }
            guard let found else { return nil }
            self = found
        }

        private var domains: [String] {
            switch self {
            case .gmail: ["google.com", "googlemail.com", "gmail.com"]
            case .outlook:
                ["outlook.com", "hotmail.com", "office365.us", "outlook.cn", "mx.microsoft"]
            case .yahoo: ["yahoodns.net", "yahoo.com"]
            }
        }
    }

    /// One kind of refusal.
    private struct Entry {
        /// Nil for what every receiver means by it.
        let receiver: Receiver?
        /// Enhanced codes of either class as `subject.detail`; empty for any.
        let codes: Set<String>
        /// What the reply must contain, in lower case; empty for anything.
        let words: String
        let cause: String
    }

    /// The cause of a refusal; empty when nothing is known of it.
    ///
    /// - Parameters:
    ///   - outcome: Of a recipient.
    ///   - host: The server, as ``DeliveryRecord/host`` has it.
    /// - Returns: A sentence or two in ASCII.
    package static func of(_ outcome: Outcome, host: String) -> String {
        guard outcome.isRemote, outcome.result != .accepted else { return "" }
        let receiver = host.split(separator: " ").first.flatMap { Receiver(host: String($0)) }
        let text = outcome.text.lowercased()
        let code = "\(outcome.status.subject).\(outcome.status.detail)"
        let entry = entries.first { entry in
            (entry.receiver == nil || entry.receiver == receiver)
                && (entry.codes.isEmpty || entry.codes.contains(code))
                && (entry.words.isEmpty || text.contains(entry.words))
        }
        return entry?.cause ?? ""
    }

    private static let pointerAdvice =
        "Ask whoever gives you the address to set its PTR record to this server's host name, and let that name"
        + " lead back to the address."
    private static let spfAdvice =
        "Publish a TXT record at the sender's domain that names this server, such as \"v=spf1 mx -all\"."
    private static let dkimAdvice = "Sign the mail with DKIM and publish the key in the DNS."
    private static let dmarcAdvice =
        "Publish a TXT record at _dmarc. of the sender's domain, at least \"v=DMARC1; p=none\"."
    private static let slowAdvice =
        "This server slows down by itself; if it happens daily, send less at once."

    /// The first that fits counts.
    private static let entries: [Entry] = [
        Entry(
            receiver: .gmail, codes: ["7.25"], words: "",
            cause: "Gmail: the address of this server has no PTR record that leads back to it. "
                + pointerAdvice),
        Entry(
            receiver: .gmail, codes: ["7.26"], words: "",
            cause: "Gmail: neither SPF nor DKIM proves that the mail is the sender's domain's. "
                + "\(spfAdvice) \(dkimAdvice)"),
        Entry(
            receiver: .gmail, codes: ["7.27"], words: "",
            cause: "Gmail: SPF does not allow this server to send for the domain. \(spfAdvice)"),
        Entry(
            receiver: .gmail, codes: ["7.29"], words: "",
            cause: "Gmail: the mail came without TLS. Do not set \"starttlsEnable\" to false."),
        Entry(
            receiver: .gmail, codes: ["7.30"], words: "",
            cause: "Gmail: the mail has no valid DKIM signature. \(dkimAdvice)"),
        Entry(
            receiver: .gmail, codes: ["7.31"], words: "",
            cause: "Gmail: the sender's domain has no DMARC record. \(dmarcAdvice)"),
        Entry(
            receiver: .gmail, codes: ["7.32"], words: "",
            cause:
                "Gmail: the domain in From is neither that of SPF nor that of DKIM. Let the envelope's sender or"
                + " the signature be of the same domain as From."),
        Entry(
            receiver: .gmail, codes: ["7.28"], words: "",
            cause: "Gmail: too much mail, or too much unwanted mail, from this address or domain. "
                + slowAdvice),
        Entry(
            receiver: .gmail, codes: ["2.1"], words: "too quickly",
            cause: "Gmail: this mailbox is getting mail too fast. \(slowAdvice)"),
        Entry(
            receiver: .gmail, codes: ["7.1"], words: "unsolicited",
            cause:
                "Gmail takes the message for unwanted. Look at the reputation of domain and address at"
                + " postmaster.google.com."),
        Entry(
            receiver: .outlook, codes: ["7.515"], words: "",
            cause: "Outlook: domains that send much need SPF, DKIM and DMARC, all of them right. "
                + "\(spfAdvice) \(dkimAdvice) \(dmarcAdvice)"),
        Entry(
            receiver: .outlook, codes: ["7.606"], words: "",
            cause: "Outlook has banned this server's address. Ask for its release at"
                + " https://sender.office.com."),
        Entry(
            receiver: .outlook, codes: ["7.1", "7.511"], words: "s3140",
            cause: "Outlook blocks this server's network. Ask for its release at"
                + " https://sender.office.com, or whoever gives you the address to do it."),
        Entry(
            receiver: .outlook, codes: ["7.1", "7.511"], words: "s3150",
            cause: "Outlook blocks this server's network. Ask for its release at"
                + " https://sender.office.com, or whoever gives you the address to do it."),
        Entry(
            receiver: .outlook, codes: ["7.650", "7.651", "7.652", "7.653"], words: "",
            cause:
                "Outlook slows this server down because of its address's reputation. \(slowAdvice)"),
        Entry(
            receiver: .outlook, codes: ["7.23"], words: "",
            cause: "Outlook: SPF does not allow this server to send for the domain. \(spfAdvice)"),
        Entry(
            receiver: .outlook, codes: ["7.25"], words: "",
            cause: "Outlook: the address of this server has no PTR record. \(pointerAdvice)"),
        Entry(
            receiver: .yahoo, codes: [], words: "[tss",
            cause:
                "Yahoo defers mail of this server: too much at once, or complaints of its users. "
                + slowAdvice),
        Entry(
            receiver: .yahoo, codes: [], words: "[ts0",
            cause:
                "Yahoo defers mail of this server: too much at once, or complaints of its users. "
                + slowAdvice),
        Entry(
            receiver: .yahoo, codes: ["7.9"], words: "",
            cause:
                "Yahoo: the mail does not pass the checks that the sender's domain asks for (DMARC). "
                + "\(spfAdvice) \(dkimAdvice)"),
        Entry(
            receiver: .yahoo, codes: ["7.1", "7.0"], words: "authentication",
            cause: "Yahoo: the mail has neither valid SPF nor DKIM. \(spfAdvice) \(dkimAdvice)"),
        Entry(
            receiver: nil, codes: ["7.1", "7.0", "0.0"], words: "spamhaus",
            cause: "The receiver uses Spamhaus, which lists this server's address. Look it up at"
                + " https://check.spamhaus.org, mend the cause and ask for removal."),
        Entry(
            receiver: nil, codes: ["7.1", "7.0", "7.25", "0.0"], words: "reverse dns",
            cause: "The receiver wants a proper PTR record. \(pointerAdvice)"),
        Entry(
            receiver: nil, codes: ["7.23"], words: "",
            cause: "SPF does not allow this server to send for the domain. \(spfAdvice)"),
        Entry(
            receiver: nil, codes: ["7.25"], words: "",
            cause:
                "The address of this server has no PTR record that leads back to it. \(pointerAdvice)"
        ),
        Entry(
            receiver: nil, codes: ["7.26"], words: "",
            cause: "The receiver could not verify the sender's domain. \(spfAdvice) \(dkimAdvice)"),
        Entry(
            receiver: nil, codes: ["7.1", "2.0", "7.0"], words: "greylist",
            cause: "The receiver lets unknown servers wait (greylisting); the next attempt passes."),
    ]
}
