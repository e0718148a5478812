// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import SMTP
import TLS

/// One line in the log for each refusal, whoever decided on it.
extension Conversation {
    /// What was refused.
    enum Refused {
        case command
        case sender(ReversePath)
        case recipient(MailAddress)
        case message(Envelope)
    }

    /// Logs a verdict before it is said, if it is a refusal.
    func note(_ verdict: Verdict, on subject: Refused) -> Verdict {
        if case .refused(let reply) = verdict {
            isNoted = true
            log(reply, to: subject)
        }
        return verdict
    }

    /// Writes the line.
    func log(_ reply: Reply, to refused: Refused) {
        refusals += 1
        switch refused {
        case .command: log("command.refused", reply, "helo", session.clientName ?? "")
        case .sender(let sender): log("sender.refused", reply, "from", sender.description)
        case .recipient(let address): log("recipient.refused", reply, "to", address.description)
        case .message(let envelope):
            Log.write(
                .info, "message.refused",
                [
                    "client": visitor.stream.peer.host, "service": visitor.settings.name,
                    "login": login?.account.user ?? "", "from": envelope.sender,
                    "recipients": envelope.recipients.count, "reply": reply,
                ])
        }
    }

    private func log(_ event: String, _ reply: Reply, _ key: String, _ subject: String) {
        Log.write(
            .info, event,
            [
                "client": visitor.stream.peer.host, "service": visitor.settings.name,
                "login": login?.account.user ?? "", key: subject, "reply": reply,
            ])
    }
}
