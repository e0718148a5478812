// SPDX-License-Identifier: Apache-2.0

/// Enhanced status codes in plain words (RFC 3463 §3, RFC 7372, RFC 7505, RFC 6531 §3.5).
package enum StatusMeaning {
    /// A sentence for the sender; nil where the code says no more than that it did not work.
    package static func sentence(for status: EnhancedStatus) -> String? {
        words["\(status.subject).\(status.detail)"]
    }

    private static let words: [String: String] = [
        "1.1": "The address does not exist there. Look whether it is spelled right.",
        "1.2": "The domain behind the @ cannot get mail. Look whether it is spelled right.",
        "1.3": "The other server takes the address for misspelled.",
        "1.6": "The mailbox has moved, and nobody said where to.",
        "1.8": "The other server does not accept your own domain.",
        "1.10": "The domain says of itself that it takes no mail.",
        "2.1": "The mailbox is closed.",
        "2.2": "The mailbox is full.",
        "2.3": "The message is larger than the mailbox takes.",
        "3.1": "The other server has no room at the moment.",
        "3.2": "The other server takes no mail at the moment.",
        "3.4": "The message is larger than the other server takes.",
        "3.5": "This server has no way to send it; its operator must see to that.",
        "4.1": "The other server did not answer.",
        "4.2": "The connection to the other server broke.",
        "4.3": "The DNS did not answer.",
        "4.4": "The domain's mail servers cannot be found.",
        "4.6": "The message would go round in circles.",
        "4.7": "There was not enough time.",
        "5.3": "There are too many recipients at once; the rest are tried later.",
        "6.7": "The other server does not know addresses with characters other than ASCII.",
        "7.1": "The other server does not allow it.",
        "7.5": "No encrypted connection could be made.",
        "7.8": "The other server did not accept this server's login.",
        "7.10": "Encryption is needed, and cannot be had.",
        "7.23":
            "The other server found that SPF does not allow this server to send for your domain.",
        "7.25": "The other server found no proper name (PTR) for this server's address.",
        "7.26": "The other server could not verify that the message is from your domain.",
    ]
}
